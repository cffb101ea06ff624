package armor

// number reads the next number of a list, in any of C's notations or as a
// character, with the comments, casts and separators before it. It is at most
// 32 bits; negative ones are given in 8.
func number(b []byte) (v uint64, n int, ok bool) {
	i := gapBefore(b)
	minus := i < len(b) && b[i] == '-'
	if minus {
		i++
	}
	if i+2 < len(b) && b[i] == '\'' {
		v, n, ok = character(b[i+1:])
		i += 1 + n
		if !ok || i >= len(b) || b[i] != '\'' {
			return 0, 0, false
		}
		return v, i + 1, true
	}
	v, d, ok := digitsAt(b[i:])
	if !ok {
		return 0, 0, false
	}
	i += d
	for i < len(b) && (b[i]|0x20 == 'u' || b[i]|0x20 == 'l') {
		i++
	}
	if i+1 < len(b) && (b[i-1] == 'u' && b[i] == '8' || b[i] == 'i' && b[i+1] == '8') { // Rust's
		i += 1 + int(b[i]&1)
	}
	if i < len(b) && (class[b[i]]&(cBase|cHex) != 0 && b[i] != '/' || b[i] == '.' || minus && v > 128) {
		return 0, 0, false
	}
	if minus {
		v = -v & 0xff
	}
	return v, i, true
}

// digitsAt reads a number's digits behind the mark of their base; n is the
// length of both.
func digitsAt(b []byte) (v uint64, n int, ok bool) {
	const most = 1<<32 - 1
	start := 0
	switch {
	case len(b) > 1 && (b[0] == '0' && b[1]|0x20 == 'x' || b[0] == '$'): // Pascal's
		if n = 2; b[0] == '$' {
			n = 1
		}
		start = n
		for ; n < len(b); n++ {
			d := uint64(hexDigits[b[n]])
			if d >= 16 {
				break
			}
			if v = v<<4 | d; v > most {
				return 0, 0, false
			}
		}
	case len(b) > 1 && b[0] == '0' && b[1]|0x20 == 'b':
		start, n = 2, 2
		for ; n < len(b) && b[n]|1 == '1'; n++ {
			if v = v<<1 | uint64(b[n]&1); v > most {
				return 0, 0, false
			}
		}
	default:
		base := uint64(10)
		if len(b) > 1 && b[0] == '0' {
			base = 8
		}
		for ; n < len(b); n++ {
			d := uint64(b[n]) - '0'
			if base == 8 && n > 0 && d|1 == 9 { // 08 and 007: decimal after all
				base = 10
			}
			if d >= base {
				break
			}
			if v = v*base + d; v > most {
				return 0, 0, false
			}
		}
	}
	return v, n, n > start
}

// gapBefore is the length of what may stand before a number: separators,
// comments, and a cast such as "(byte)".
func gapBefore(b []byte) int {
	i := 0
	for i < len(b) && i < maxGap && (b[i] == ',' || b[i] <= ' ') {
		i++
	}
	if i < len(b) && class[b[i]] == cDigit { // most are right here
		return i
	}
	for i < len(b) && i < maxGap {
		switch c := b[i]; {
		case c == ',' || c <= ' ':
			i++
		case c == '/' && i+1 < len(b) && b[i+1] == '*':
			k := i + 2
			for k+1 < len(b) && k < i+maxGap && (b[k] != '*' || b[k+1] != '/') {
				k++
			}
			i = k + 2
		case c == '/' && i+1 < len(b) && b[i+1] == '/', c == '#':
			for i < len(b) && b[i] != '\n' {
				i++
			}
		case c == '\\' && i+1 < len(b) && (b[i+1] == '\n' || b[i+1] == '\r'):
			i += 2
		case c == '(':
			k := i + 1
			for k < len(b) && k < i+16 && (class[b[k]]&(cBase|cHex|cDigit|cSpace) != 0) {
				k++
			}
			if k >= len(b) || b[k] != ')' {
				return i
			}
			i = k + 1
		case c == '.' && len(b) > i+5 && (string(b[i:i+5]) == ".byte" || string(b[i:i+5]) == ".long"):
			i += 5
		case c == 'd' && len(b) > i+2 && (b[i+1] == 'b' || b[i+1] == 'd') && b[i+2] <= ' ':
			i += 2
		default:
			return i
		}
	}
	return min(i, len(b))
}

// list decodes numbers of one byte, or of four in an order.
func list(dst, src []byte, f Form, end bool) (out []byte, used int, more bool) {
	for used < len(src) {
		rest := src[used:]
		// A token that reaches the end may go on behind it.
		if !end && len(rest) < 2*maxGap {
			return dst, used, used > 0
		}
		v, n, ok := number(rest)
		if !ok || n == 0 || f == List && v > 255 {
			return dst, used, false
		}
		switch f {
		case ListLE:
			dst = append(dst, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
		case ListBE:
			dst = append(dst, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
		default:
			dst = append(dst, byte(v))
		}
		used += n
	}
	return dst, used, false
}

// character reads one character of a string, which an escape may spell.
func character(b []byte) (v uint64, n int, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	if b[0] == '%' && len(b) > 2 && hexDigits[b[1]]|hexDigits[b[2]] < 16 {
		return uint64(hexDigits[b[1]]<<4 | hexDigits[b[2]]), 3, true
	}
	if b[0] != '\\' {
		return uint64(b[0]), 1, true
	}
	if len(b) > 1 && b[1] == '\\' && len(b) > 2 && (b[2] == 'x' || b[2] == 'u' || b[2] >= '0' && b[2] <= '7') {
		v, n, ok = character(b[1:]) // escaped twice, as in a string of a script
		return v, n + 1, ok
	}
	if len(b) < 2 {
		return 0, 0, false
	}
	switch c := b[1]; {
	case c == 'x':
		return digitsOf(b, 2, 2, 16)
	case c == 'u' && len(b) > 2 && b[2] == '{':
		v, n, ok = digitsOf(b, 3, 6, 16)
		if !ok || n >= len(b) || b[n] != '}' {
			return 0, 0, false
		}
		return v, n + 1, ok
	case c == 'u':
		return digitsOf(b, 2, 4, 16)
	case c >= '0' && c <= '7':
		return digitsOf(b, 1, 3, 8)
	case c == '\n':
		return 0, 0, false
	}
	const from, to = "abtnvfre", "\a\b\t\n\v\f\r\x1b"
	for i := range len(from) {
		if from[i] == b[1] {
			return uint64(to[i]), 2, true
		}
	}
	return uint64(b[1]), 2, true
}

func digitsOf(b []byte, from, most int, base uint64) (v uint64, n int, ok bool) {
	n = from
	for n < len(b) && n < from+most {
		d := uint64(hexDigits[b[n]])
		if d >= base {
			break
		}
		v = v*base + d
		n++
	}
	return v, n, n > from
}

// escaped decodes the inside of a string, and of those that a program puts
// together with it.
func escaped(dst, src []byte, end bool) (out []byte, used int, more bool) {
	return escapedTo(dst, src, end, 1<<62)
}

// escapedTo does so until there are as many bytes as are asked for.
func escapedTo(dst, src []byte, end bool, most int) (out []byte, used int, more bool) {
	for used < len(src) && len(dst) < most {
		rest := src[used:]
		if !end && len(rest) < maxGap {
			return dst, used, used > 0
		}
		switch c := rest[0]; {
		case c == '"' || c == '\'' || c == '`':
			if n := joint(rest, c); n > 0 {
				used += n
				continue
			}
			if len(rest) < 2 || rest[1] == ';' || rest[1] == ')' || rest[1] == ']' || rest[1] == '}' || rest[1] == '\n' {
				return dst, used, false
			}
		case c == '\\' && len(rest) > 1 && (rest[1] == '\n' || rest[1] == '\r'):
			used += 2
			continue
		case c == '\n' || c == '\r': // of a string in several lines of a shell's
			used++
			continue
		}
		v, n, ok := character(rest)
		if !ok || v > 255 {
			return dst, used, false
		}
		dst = append(dst, byte(v))
		used += n
	}
	return dst, used, false
}

// literal is true for characters of which each stands for itself in a string.
func literal(b []byte) bool {
	for _, c := range b {
		if class[c]&(cEscape|cBreak) != 0 || c == '"' || c == '\'' || c == '`' {
			return false
		}
	}
	return true
}

// joint is the length of what stands between two pieces of a string: a quote,
// blanks and an operator, and a quote; zero where the string ends.
func joint(b []byte, quote byte) int {
	for i := 1; i < len(b) && i < maxGap; i++ {
		switch c := b[i]; {
		case c == quote:
			return i + 1
		case c == 'b' && i+1 < len(b) && b[i+1] == quote: // Python's bytes
		case c > ' ' && c != '+' && c != '.' && c != '\\' && c != ',' && c != '$':
			return 0
		}
	}
	return 0
}
