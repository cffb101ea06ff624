package armor

import (
	"bytes"
	"encoding/binary"
)

const (
	// firstBytes is how many bytes of a string say whether something begins,
	// and fewBytes say of most that nothing does.
	firstBytes, fewBytes = 8, 4
	// maxFirst is how many bytes of a list say so, and firstNumbers how many
	// numbers in firstText characters.
	maxFirst, firstNumbers, firstText = 64, 16, 100
	// maxBack is how far before a sample the beginning of what it is in is
	// looked for, in bytes: what goes back further was seen by a sample before.
	maxBack = 2 << 10
)

// Start is where something may begin, and in what form.
type Start struct {
	Form Form
	At   int
}

// Finder finds where what a sample is in begins. The zero value with Begins is
// ready; it must not be used by two at once.
type Finder struct {
	// Begins says of the first bytes of something, at most 64, whether they
	// can be of a file at all: what can't by some of them can't by more.
	Begins func([]byte) bool

	starts []Start
	first  [maxFirst]byte
	line   []byte
}

// Starts returns where what b[i] is in may begin, for each of the forms that
// Guess gave for it: at most three places of a form, and none where that is too
// far back. The result is valid until the next call.
func (x *Finder) Starts(forms []Form, b []byte, i int) []Start {
	dst := x.starts[:0]
	low := max(0, i-maxBack)
	for k, f := range forms {
		start := 0
		switch f {
		case List, ListLE, ListBE: // forms are all of lists, or none is
			dst = x.lists(dst, forms[k:], b, i, low)
			x.starts = dst
			return dst
		case Escaped:
			start = x.escaped(b, i, low)
		case Quoted:
			if start = f.back(b, i, low); start > low || low == 0 {
				dst = append(dst, Start{f, start})
			}
			// Behind the header of a message.
			if k := bytes.LastIndex(b[low:i], []byte("\n\n")); k >= 0 {
				dst = append(dst, Start{f, low + k + 2})
			} else if low == 0 {
				dst = append(dst, Start{f, 0})
			}
			continue
		case Base64, Base32, Hex, Ascii85, Base85, Z85:
			start = f.back(b, i, low)
		default:
			start = x.backLines(f, b, i, low)
		}
		if start > low || low == 0 {
			dst = append(dst, Start{f, start})
		}
	}
	x.starts = dst
	return dst
}

// escaped is the first quote from which a string, or several put together,
// go on to b[i], and begin as a file does; low where there is none.
func (x *Finder) escaped(b []byte, i, low int) int {
	for k := low; k < i; k++ {
		if c := b[k]; c != '"' && c != '\'' && c != '`' {
			continue
		}
		// Most strings do not, by characters that stand for themselves, or by
		// the first few.
		if k+5 <= i && literal(b[k+1:k+5]) && !x.Begins(b[k+1:k+5]) {
			continue
		}
		text := b[k+1 : min(k+33, i)]
		out, _, _ := escapedTo(x.first[:0], text, true, fewBytes)
		if !x.Begins(out) {
			continue
		}
		if out, _, _ = escapedTo(x.first[:0], text, true, firstBytes); !x.Begins(out) {
			continue
		}
		var used int
		if x.line, used, _ = escaped(x.line[:0], b[k+1:i], true); used+8 >= i-k-1 {
			return k + 1
		}
	}
	return low
}

// lists is Starts for forms of lists, which are of the same characters.
func (x *Finder) lists(dst []Start, forms []Form, b []byte, i, low int) []Start {
	k := i
	for k > low && ofLists[b[k-1]] {
		k--
	}
	stop := b[max(k-1, 0)]
	// No bracket is in a list, but one before it.
	open := bytes.LastIndexAny(b[low:k], "{[=")
	if open < 0 {
		open = bytes.LastIndexByte(b[low:k], '(')
	}
	for k < i && class[b[k]]&cDigit == 0 && b[k] != '-' && b[k] != '\'' && b[k] != '$' { // letters of a word before
		k++
	}
	var places [2]int
	var few, first [2]numbers
	n := 0
	if k > low || low == 0 {
		places[n], few[n], n = k, numbersOf(b[k:i], fewBytes), n+1
	}
	if p := low + open + 1; open >= 0 && p != k {
		places[n], few[n], n = p, numbersOf(b[p:i], fewBytes), n+1
	}
	for _, f := range forms {
		for j := range n {
			// Of most the first few say that it is nothing.
			if few[j].n == fewBytes && !x.Begins(few[j].bytes(x.first[:0], f)) {
				continue
			}
			if first[j].n == 0 {
				first[j] = numbersOf(b[places[j]:i], firstNumbers)
			}
			if x.Begins(first[j].bytes(x.first[:0], f)) {
				dst = append(dst, Start{f, places[j]})
			}
		}
		// Behind a comment or a directive the list may have begun before.
		if stop == '/' || stop >= 'a' {
			if p := x.backLines(f, b, i, low); p > low || low == 0 {
				if v := numbersOf(b[p:i], firstNumbers); x.Begins(v.bytes(x.first[:0], f)) {
					dst = append(dst, Start{f, p})
				}
			}
		}
	}
	return dst
}

// numbers are the first ones of a list.
type numbers struct {
	v     [firstNumbers]uint32
	n     int
	small int // so many of the first are bytes
}

// numbersOf reads the first numbers that text begins with, at most so many.
func numbersOf(text []byte, most int) (l numbers) {
	text = text[:min(len(text), firstText)]
	for l.n < most && len(text) > 0 {
		v, n, ok := number(text)
		if !ok || n == 0 {
			break
		}
		if v <= 255 && l.small == l.n {
			l.small++
		}
		l.v[l.n] = uint32(v)
		l.n++
		text = text[n:]
	}
	return l
}

// bytes appends to dst what the numbers are in a form of lists.
func (l *numbers) bytes(dst []byte, f Form) []byte {
	switch f {
	case ListLE:
		for _, v := range l.v[:l.n] {
			dst = binary.LittleEndian.AppendUint32(dst, v)
		}
	case ListBE:
		for _, v := range l.v[:l.n] {
			dst = binary.BigEndian.AppendUint32(dst, v)
		}
	default:
		for _, v := range l.v[:l.small] {
			dst = append(dst, byte(v))
		}
	}
	return dst
}

// backLines walks to the first of the lines of a form.
func (x *Finder) backLines(f Form, b []byte, i, low int) int {
	k := lastBreak(b[low : i+1])
	if k < 0 {
		return low
	}
	if k = low + k + 1; k > i {
		k = i
	}
	for k > low {
		p := lastBreak(b[low : k-1])
		start := low + p + 1
		line := bytes.TrimRight(b[start:k-1], "\r \t")
		var used int
		if x.line, used, _ = f.Decode(x.line[:0], line, true); len(x.line) == 0 || used+1 < len(line) {
			if !f.Firmware() || !record(lineAt(b, start), line0(line)) {
				break
			}
		}
		k = start
		if p < 0 {
			break
		}
	}
	return k
}

func line0(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}
