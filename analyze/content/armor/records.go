package armor

import (
	"bytes"
	"encoding/hex"
)

// maxLine is the longest line of records or a dump.
const maxLine = 1024

// lines decodes whole lines with a function that says whether a line is one.
func lines(dst, src []byte, end bool, line func(dst, line []byte) ([]byte, bool)) (out []byte, used int, more bool) {
	for used < len(src) {
		rest := src[used:]
		k := bytes.IndexByte(rest[:min(len(rest), maxLine)], '\n')
		if k < 0 {
			if len(rest) >= maxLine {
				return dst, used, false
			}
			if !end {
				return dst, used, used > 0
			}
			k = len(rest)
		}
		var ok bool
		if dst, ok = line(dst, bytes.TrimRight(rest[:k], "\r \t")); !ok {
			return dst, used, false
		}
		used += min(k+1, len(rest))
	}
	return dst, used, !end
}

// intel decodes a record of Intel HEX, checked by its sum.
func intel(dst, line []byte) ([]byte, bool) {
	if len(line) < 11 || line[0] != ':' {
		return dst, false
	}
	rec, err := hex.DecodeString(string(line[1:]))
	if err != nil || len(rec) != int(rec[0])+5 || rec[3] > 5 || sum(rec) != 0 {
		return dst, false
	}
	if rec[3] == 0 {
		dst = append(dst, rec[4:len(rec)-1]...)
	}
	return dst, true
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

// motorola decodes an S-record, checked by its sum.
func motorola(dst, line []byte) ([]byte, bool) {
	if len(line) < 10 || line[0] != 'S' || line[1] < '0' || line[1] > '9' || line[1] == '4' {
		return dst, false
	}
	rec, err := hex.DecodeString(string(line[2:]))
	if err != nil || len(rec) != int(rec[0])+1 || sum(rec) != 0xff {
		return dst, false
	}
	if t := line[1]; t >= '1' && t <= '3' {
		address := int(t-'1') + 2
		if len(rec) < 2+address {
			return dst, false
		}
		dst = append(dst, rec[1+address:len(rec)-1]...)
	}
	return dst, true
}

// record says whether a line is a record.
func record(line []byte, mark byte) bool {
	if len(line) == 0 || line[0] != mark {
		return false
	}
	var ok bool
	if mark == ':' {
		_, ok = intel(nil, line)
	} else {
		_, ok = motorola(nil, line)
	}
	return ok
}

// uu decodes a line of uuencode. The line that ends it is none.
func uu(dst, line []byte) ([]byte, bool) {
	if len(line) < 1 || line[0] <= ' ' || line[0] > '`' {
		return dst, false
	}
	n := int(line[0]-' ') & 63
	line = line[1:]
	// Blanks at the end are cut off by mailers.
	if n == 0 || len(line) > (n+2)/3*4+2 || len(line)+4 < (n+2)/3*4 {
		return dst, false
	}
	for ; n > 0; n -= 3 {
		v := uint32(0)
		for k := range 4 {
			v <<= 6
			if k < len(line) {
				if line[k] < ' ' || line[k] > '`' {
					return dst, false
				}
				v |= uint32(line[k]-' ') & 63
			}
		}
		dst = append(dst, []byte{byte(v >> 16), byte(v >> 8), byte(v)}[:min(n, 3)]...)
		line = line[min(len(line), 4):]
	}
	return dst, true
}

// uuLine says whether a line is of uuencode, and a full one.
func uuLine(line []byte) bool {
	if len(line) < 21 || line[0] < '0' {
		return false
	}
	var buf [maxSampled]byte
	_, ok := uu(buf[:0], line)
	return ok
}

// dump decodes a line of a dump: an offset, groups of digits, and after two
// blanks or a bar the same as characters. In words the bytes are turned.
func dump(dst, line []byte, f Form) ([]byte, bool) {
	i := 0
	for i < len(line) && hexDigits[line[i]] < 16 {
		i++
	}
	if i < 4 || i > 16 {
		return dst, string(line) == "*" && len(dst) > 0
	}
	if i == len(line) {
		return dst, true // the last line has the size
	}
	if line[i] == ':' {
		i++
	}
	got, blanks := 0, 0
	for i < len(line) {
		if line[i] == ' ' || line[i] == '\t' {
			blanks++
			i++
			continue
		}
		k := i
		for k < len(line) && hexDigits[line[k]] < 16 {
			k++
		}
		word := line[i:k]
		if got > 0 && (line[i] == '|' || line[i] == '>' || blanks > 1 && got >= 16) || k < len(line) && line[k] != ' ' && line[k] != '\t' {
			break
		}
		var ok bool
		if dst, ok = group(dst, word, f); !ok {
			break
		}
		got += len(word) / 2
		blanks, i = 0, k
	}
	return dst, got > 0
}

// group decodes one group of digits.
func group(dst, word []byte, f Form) ([]byte, bool) {
	switch f {
	case DumpOctal:
		if len(word) != 6 {
			return dst, false
		}
		v := 0
		for _, c := range word {
			if c > '7' {
				return dst, false
			}
			v = v<<3 | int(c-'0')
		}
		return append(dst, byte(v), byte(v>>8)), v < 1<<16
	case DumpWords:
		if len(word) != 4 {
			return dst, false
		}
	}
	if len(word) == 0 || len(word)%2 != 0 || len(word) > 16 {
		return dst, false
	}
	at := len(dst)
	for k := 0; k < len(word); k += 2 {
		dst = append(dst, hexDigits[word[k]]<<4|hexDigits[word[k+1]])
	}
	if f == DumpWords {
		dst[at], dst[at+1] = dst[at+1], dst[at]
	}
	return dst, true
}

// dumpLine says whether a line is of a dump of at least 8 bytes.
func dumpLine(line []byte) bool {
	if len(line) < 24 || hexDigits[line[0]]|hexDigits[line[1]]|hexDigits[line[2]]|hexDigits[line[3]] >= 16 {
		return false
	}
	var buf [maxSampled]byte
	for _, f := range [...]Form{Dump, DumpOctal} {
		if out, ok := dump(buf[:0], line, f); ok && len(out) >= 8 {
			return true
		}
	}
	return false
}

// quoted decodes quoted-printable.
func quoted(dst, src []byte, end bool) (out []byte, used int, more bool) {
	for used < len(src) {
		rest := src[used:]
		if !end && len(rest) < 4 {
			return dst, used, used > 0
		}
		n := 1
		switch c := rest[0]; {
		case c == '=' && len(rest) > 1 && rest[1] == '\n':
			n = 2
		case c == '=' && len(rest) > 2 && rest[1] == '\r' && rest[2] == '\n':
			n = 3
		case c == '=':
			if len(rest) < 3 || hexDigits[rest[1]]|hexDigits[rest[2]] >= 16 {
				return dst, used, false
			}
			dst = append(dst, hexDigits[rest[1]]<<4|hexDigits[rest[2]])
			n = 3
		case c >= 0x7f:
			return dst, used, false
		default:
			dst = append(dst, c)
		}
		used += n
	}
	return dst, used, false
}

// YEncStart is where the text behind yEnc's header begins; negative where there
// is none (yEnc 1.3, "Headers and trailers").
func YEncStart(b []byte) int {
	const header, part = "=ybegin ", "=ypart "
	at := 0
	for _, h := range []string{header, part} {
		if !bytes.HasPrefix(b[at:], []byte(h)) {
			break
		}
		k := bytes.IndexByte(b[at:], '\n')
		if k < 0 {
			return -1
		}
		at += k + 1
	}
	if at == 0 {
		return -1
	}
	return at
}

// yenc decodes characters that are moved by 42, and those that are escaped by
// another 64.
func yenc(dst, src []byte, end bool) (out []byte, used int, more bool) {
	for used < len(src) {
		n := 1
		switch c := src[used]; c {
		case '\n', '\r':
		case '=':
			if used+1 >= len(src) {
				return dst, used, !end
			}
			if src[used+1] == 'y' {
				return dst, used, false
			}
			dst = append(dst, src[used+1]-64-42)
			n = 2
		default:
			dst = append(dst, c-42)
		}
		used += n
	}
	return dst, used, !end
}
