package armor

// alphabet has the value of each character, 0xff for none.
type alphabet [256]uint8

func alphabetOf(sets ...string) *alphabet {
	var t alphabet
	for i := range t {
		t[i] = 0xff
	}
	for _, s := range sets {
		for i := range len(s) {
			t[s[i]] = uint8(i)
		}
	}
	return &t
}

const (
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	small  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)

var (
	base64Digits = alphabetOf(upper+small+digits+"+/", upper+small+digits+"-_")
	base32Digits = alphabetOf(upper + "234567")
	base85Digits = alphabetOf(digits + upper + small + "!#$%&()*+-;<=>?@^_`{|}~")
	z85Digits    = alphabetOf(digits + small + upper + ".-:+=^!/*?&<>()[]{}@%$#")
	ascii85      = func() *alphabet {
		s := make([]byte, 85)
		for i := range s {
			s[i] = byte('!' + i)
		}
		return alphabetOf(string(s))
	}()
	hexDigits = alphabetOf(digits+"abcdef", digits+"ABCDEF")
)

// filler is what stands between the pieces of a string that is written in
// several lines of a program.
func filler(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', '"', '\'', '`', '\\', ',':
		return true
	}
	return false
}

// maxGap is how much filler may stand between two pieces: an indent.
const maxGap = 200

// between is the length of what stands at the beginning of b between two
// pieces of encoded text: blanks and line ends, or the end of a string, an
// operator and the beginning of the next. Zero means that the text ends; open
// that b ended first.
func between(b []byte) (n int, open bool) {
	quotes, mark := 0, false
	for n < len(b) && n < maxGap {
		switch c := b[n]; {
		case c == '"' || c == '\'' || c == '`':
			quotes++
		case c == '+' && quotes == 0: // a character of base64's
			return n, false
		case c == ',' || c == '+':
			if mark = true; quotes != 1 {
				return 0, false
			}
		case c == '\\' && n+1 < len(b) && (b[n+1] == 'n' || b[n+1] == 'r'): // a line end within a string
			n++
		case !filler(c):
			if quotes == 1 || mark && quotes != 2 {
				return 0, false
			}
			return n, false
		}
		if n++; quotes == 2 {
			return n, false
		}
	}
	return 0, n < maxGap
}

// packed decodes characters of some bits each, most significant first, in groups
// that are whole bytes.
func packed(dst, src []byte, t *alphabet, width, group int, end bool) (out []byte, used int, more bool) {
	var acc uint64
	n, i := 0, 0
	flush := func() {
		acc <<= uint(width * (group - n))
		for k := range width * n / 8 {
			dst = append(dst, byte(acc>>(width*group-8-8*k)))
		}
		acc, n = 0, 0
	}
	for i < len(src) {
		if width == 6 && n == 0 && i+4 <= len(src) { // a group at once
			a, b, c, d := t[src[i]], t[src[i+1]], t[src[i+2]], t[src[i+3]]
			if a|b|c|d < 64 {
				dst = append(dst, a<<2|b>>4, b<<4|c>>2, c<<6|d)
				i += 4
				used = i
				continue
			}
		}
		v := t[src[i]]
		if v == 0xff {
			gap, open := between(src[i:])
			if gap == 0 && open && !end {
				return dst, used, used > 0
			}
			if gap == 0 {
				break
			}
			i += gap
			continue
		}
		acc = acc<<width | uint64(v)
		i++
		if n++; n == group {
			flush()
			used = i
		}
	}
	if i < len(src) || end {
		flush()
		return dst, i, false
	}
	return dst, used, used > 0
}

// fives decodes base 85: five characters are four bytes, most significant
// first. Ascii85 has one character for four zeros.
func fives(dst, src []byte, t *alphabet, end bool) (out []byte, used int, more bool) {
	var acc uint64
	n, i := 0, 0
	for i < len(src) {
		c := src[i]
		if t == ascii85 && c == 'z' && n == 0 {
			dst = append(dst, 0, 0, 0, 0)
			i++
			used = i
			continue
		}
		v := t[c]
		if v == 0xff {
			gap, open := between(src[i:])
			if gap == 0 && open && !end {
				return dst, used, used > 0
			}
			if gap == 0 {
				break
			}
			i += gap
			continue
		}
		acc = acc*85 + uint64(v)
		if i, n = i+1, n+1; n == 5 {
			if acc > 1<<32-1 {
				return dst, i, false
			}
			dst = append(dst, byte(acc>>24), byte(acc>>16), byte(acc>>8), byte(acc))
			acc, n, used = 0, 0, i
		}
	}
	if i < len(src) || end {
		for k := n; n > 1 && k < 5; k++ {
			acc = acc*85 + 84
		}
		for k := range n - 1 {
			dst = append(dst, byte(acc>>(24-8*k)))
		}
		return dst, i, false
	}
	return dst, used, used > 0
}

// pairsOf decodes hexadecimal digits, two a byte, with single characters or
// an indent between the bytes.
func pairsOf(dst, src []byte, end bool) (out []byte, used int, more bool) {
	i := 0
	for i+1 < len(src) {
		hi, lo := hexDigits[src[i]], hexDigits[src[i+1]]
		if hi|lo < 16 {
			dst = append(dst, hi<<4|lo)
			i += 2
			used = i
			continue
		}
		if c := src[i]; c == ':' || c == '-' || c == ';' || c == ',' {
			i++
			continue
		}
		gap, open := between(src[i:])
		if gap == 0 && open && !end {
			return dst, used, used > 0
		}
		if gap == 0 {
			return dst, i, false
		}
		i += gap
	}
	return dst, used, !end && used > 0
}
