package armor

import "bytes"

// Decode appends to dst what src begins with in the form, and says how much of
// src that was. More is true where src ended first and used bytes of it are
// whole: the rest is to be given again with what follows. End says that
// nothing follows.
func (f Form) Decode(dst, src []byte, end bool) (out []byte, used int, more bool) {
	switch f {
	case Base64:
		return packed(dst, src, base64Digits, 6, 4, end)
	case Base32:
		return packed(dst, src, base32Digits, 5, 8, end)
	case Ascii85:
		return fives(dst, src, ascii85, end)
	case Base85:
		return fives(dst, src, base85Digits, end)
	case Z85:
		return fives(dst, src, z85Digits, end)
	case Hex:
		return pairsOf(dst, src, end)
	case Dump, DumpWords, DumpOctal:
		return lines(dst, src, end, func(dst, line []byte) ([]byte, bool) { return dump(dst, line, f) })
	case List, ListLE, ListBE:
		return list(dst, src, f, end)
	case Escaped:
		return escaped(dst, src, end)
	case Quoted:
		return quoted(dst, src, end)
	case YEnc:
		return yenc(dst, src, end)
	case Uuencode:
		return lines(dst, src, end, uu)
	case IntelHex:
		return lines(dst, src, end, intel)
	case SRecord:
		return lines(dst, src, end, motorola)
	}
	return dst, 0, false
}

// set is a set of characters.
type set [256]bool

func setOf(is func(c byte) bool) (t set) {
	for c := range t {
		t[c] = is(byte(c))
	}
	return t
}

// ofLists are the characters of numbers and of what is between them.
var ofLists = setOf(func(c byte) bool {
	return class[c]&(cDigit|cHex|cSpace|cBreak|cComma) != 0 && c != ';' || c|0x20 == 'x' || c == '-' || c == '\'' || c == '$'
})

// alphabets are the characters of each form, and those with what may stand
// between them.
var alphabets, spaced = func() (of, with [formsCount]set) {
	for f := range formsCount {
		of[f] = setOf(f.in)
		with[f] = setOf(func(c byte) bool { return f.in(c) || filler(c) })
	}
	return of, with
}()

// in says whether a character is of the form's alphabet.
func (f Form) in(c byte) bool {
	switch f {
	case Base64:
		return base64Digits[c] != 0xff
	case Base32:
		return base32Digits[c] != 0xff
	case Hex:
		return hexDigits[c] < 16 || c == ' ' || c == ':' || c == '-'
	case Ascii85:
		return ascii85[c] != 0xff || c == 'z'
	case Base85:
		return base85Digits[c] != 0xff
	case Z85:
		return z85Digits[c] != 0xff
	}
	return c >= ' ' && c < 0x7f
}

// minLine is the least of a line's length that is not the last of a run.
const minLine = 40

// back walks over the form's alphabet, and over line ends where the line
// before is of it but for quotes and an operator.
func (f Form) back(b []byte, i, low int) int {
	k := i
	in := &alphabets[f]
	for {
		for k > low && in[b[k-1]] {
			k--
		}
		if k == low {
			break
		}
		// The end of the line before, without what a program puts there.
		e := k
		if b[k-1] == '\\' && (b[k] == 'n' || b[k] == 'r') { // it is spelled
			for e++; e > low+1 && b[e-2] == '\\' && (b[e-1] == 'n' || b[e-1] == 'r'); {
				e -= 2
			}
		}
		spelled := e < k
		for e > low && e > k-maxGap && (filler(b[e-1]) || b[e-1] == '+') {
			e--
		}
		if e == k || !spelled && bytes.IndexByte(b[e:k], '\n') < 0 || e < minLine || f == Quoted && b[e-1] != '=' {
			break
		}
		whole := true
		for _, c := range b[e-minLine : e] {
			whole = whole && in[c]
		}
		if !whole {
			break
		}
		k = e
	}
	if k > low && k < i && b[k-1] == '\\' && (b[k] == 'n' || b[k] == 'r') && !in['\\'] {
		k++
	}
	for k < i && (b[k] == ' ' || b[k] == ':' || b[k] == '-' && f == Hex) {
		k++
	}
	if f == Ascii85 && k+1 < i && b[k] == '<' && b[k+1] == '~' {
		k += 2
	}
	return k
}

// Skip returns an offset behind i up to which text of the form goes on; it
// looks no further than it has to.
func (f Form) Skip(b []byte, i int) int {
	switch f {
	case List, ListLE, ListBE:
		return i + first(b[i:], "}])")
	case Escaped:
		return i + first(b[i:], ";)")
	case Base64, Base32, Hex, Ascii85, Base85, Z85:
		with := &spaced[f]
		for i < len(b) && with[b[i]] {
			i++
		}
	case Uuencode:
		if k := bytes.Index(b[i:], []byte("\nend")); k >= 0 {
			return i + k
		}
		return len(b)
	}
	return i
}

// first is the offset of the first of some characters, or the length of b. It
// looks no further than a little behind that.
func first(b []byte, chars string) int {
	const step = 512
	for at := 0; at < len(b); at += step {
		part := b[at:min(len(b), at+step)]
		for i := range len(chars) {
			if k := bytes.IndexByte(part, chars[i]); k >= 0 {
				part = part[:k]
			}
		}
		if end := at + len(part); len(part) < step && end < len(b) {
			return end
		}
	}
	return len(b)
}
