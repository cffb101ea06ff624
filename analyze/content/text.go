package content

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/format"
	"fromsource/analyze/content/stream"
)

// signed says whether text holds one of the phrases by which tools sign what
// they write: autoconf, automake, libtool, bison, flex, protoc, SWIG, Go's
// convention and others.
func signed(b []byte) bool {
	// Of seven bytes four lie at a multiple of four: the text is looked at
	// there, and closely where they could be of a phrase.
	for i := 0; i+4 <= len(b); i += 4 {
		if v := binary.LittleEndian.Uint32(b[i:]); signs[v*signHash>>signShift] && signedAt(b, max(0, i-16)) {
			return true
		}
	}
	return false
}

// signedAt says whether one of the phrases begins in the 32 bytes at i.
func signedAt(b []byte, i int) bool {
	for end := i + 32; i+11 <= len(b) && i < end; i++ {
		switch b[i] {
		case 'g', 'G':
			if string(b[i+1:i+9]) == "enerated" && signedBy(b[i+9:]) {
				return true
			}
		case '@':
			if string(b[i:i+10]) == "@generated" {
				return true
			}
		case 'D':
			if string(b[i:i+11]) == "DO NOT EDIT" {
				return true
			}
		case 'd':
			if string(b[i:i+11]) == "do not edit" {
				return true
			}
		case 'm':
			if bytes.HasPrefix(b[i:], []byte("made by GNU Bison")) {
				return true
			}
		}
	}
	return false
}

const signHash, signShift = 0x9e3779b1, 32 - 13

// signs marks the hashes of four neighbouring bytes of the phrases, of the
// seven of each that are rarest elsewhere.
var signs = func() (t [1 << 13]bool) {
	for _, s := range []string{"generat", "Generat", "O NOT E", "ot edit", "U Bison"} {
		for i := range len(s) - 3 {
			t[binary.LittleEndian.Uint32([]byte(s[i:]))*signHash>>signShift] = true
		}
	}
	return t
}()

// signedBy says whether "generated" goes on as in a signature.
func signedBy(b []byte) bool {
	for _, s := range []string{" by", " auto", " from", " with"} {
		if len(b) >= len(s) && string(b[:len(s)]) == s {
			return true
		}
	}
	return false
}

// generated says whether text was written by a tool, by the beginning of it: a
// signature, or lines as minifiers make them.
func generated(path string, b []byte) bool {
	if signed(b[:min(len(b), 768)]) {
		return true
	}
	if ext := path[strings.LastIndexByte(path, '.')+1:]; ext != "js" && ext != "css" && ext != "mjs" && ext != "cjs" {
		return false
	}
	// Hand-written scripts have lines of 30 to 40 bytes on average.
	b = b[:min(len(b), 32<<10)]
	return len(b) > 1024 && bytes.Count(b, []byte{'\n'}) < len(b)/500
}

// sampleStep is how far apart text is looked at for encoded binaries; one has
// to be a little longer to be seen. It must be short against any program.
const sampleStep = 1024

// minEncoded is the least length of encoded text that is worth decoding.
const minEncoded = 1024

// embedded looks for text that carries a binary: uuencoded, base64, Intel HEX
// or Motorola records, or a C array of bytes. It samples, and looks closely
// where no words are.
func (w *walker) embedded(n *node, f *File, b []byte) {
	for i := sampleStep / 2; i+64 < len(b) && !f.Embedded; i += sampleStep {
		how := encoding(b[i : i+64])
		if how == "" {
			continue
		}
		start := runStart(b, i, how)
		if start < 0 || len(b)-start < minEncoded/2 {
			continue
		}
		head := decode(how, b[start:min(len(b), start+8<<10)])
		if len(head) < 64 {
			continue
		}
		m := format.Detect("", head, -1)
		if how == "ihex" {
			m = format.Match{Name: "firmware", Kind: audit.Firmware}
		}
		if !m.Compiled() && !(m.Container && strong(m.Name, head)) {
			i = runEnd(b, i, how)
			continue
		}
		if n.in.Off() == 0 {
			n.hash()
		}
		f.Kind = m.Kind
		if !m.Compiled() {
			if f.Kind = w.encoded(n, how, b[start:], start); f.Kind == "" {
				i = runEnd(b, i, how)
				continue
			}
		}
		f.Embedded, f.Confidence, f.Format = true, audit.Low, m.Name
		f.Detail = fmt.Sprintf("%s in %s at byte %d", m.Name, how, n.in.Off()+int64(start))
	}
}

// words says at once of most text that it is nothing else: a space and a small
// letter that is neither a digit nor part of a number's spelling.
func words(b []byte) bool {
	var seen byte
	for _, c := range b {
		if seen |= class[c]; seen == 3 {
			return true
		}
	}
	return false
}

var class = func() (t [256]byte) {
	t[' '], t['\t'] = 1, 1
	for c := 'g'; c <= 'z'; c++ {
		if c != 'x' && c != 'u' {
			t[c] = 2
		}
	}
	return t
}()

// encoded looks into an archive that text carries, as far as it is in b, and
// returns the kind of the first compiled member.
func (w *walker) encoded(n *node, how string, b []byte, at int) audit.Kind {
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not searched further", w.o.MaxDepth))
		return ""
	}
	all := decode(how, b)
	in := stream.New(bytes.NewReader(all), int64(len(all)))
	defer in.Close()
	before := len(w.res.Members)
	w.file(&node{path: fmt.Sprintf("%s/@%d", n.path, n.in.Off()+int64(at)), in: in, depth: n.depth + 1, layer: true, guess: true})
	if before < len(w.res.Members) {
		return w.res.Members[before].Kind
	}
	return ""
}

// encoding guesses from a stretch of text how a binary may be encoded in it:
// "" for words.
func encoding(b []byte) string {
	spaces, alpha, hexes, zerox, commas, uu := 0, 0, 0, 0, 0, 0
	if words(b) {
		return ""
	}
	for i, c := range b {
		switch {
		case c == ' ':
			spaces++
		case c == ',':
			commas++
		case c >= '0' && c <= '9', c >= 'A' && c <= 'F', c >= 'a' && c <= 'f':
			hexes++
			alpha++
		case c >= 'g' && c <= 'z', c >= 'G' && c <= 'Z', c == '+', c == '/', c == '=':
			alpha++
		}
		if c >= 0x20 && c <= 0x60 {
			uu++
		}
		if c == 'x' && i > 0 && b[i-1] == '0' {
			zerox++
		}
	}
	switch {
	case spaces == 0 && bytes.IndexByte(b, ':') >= 0 && hexes+4 >= len(b)-4:
		return "ihex"
	case zerox >= 7 && commas >= 7:
		return "C array"
	case commas >= 11 && hexes+commas+spaces+2 >= len(b)-3:
		return "C array"
	case bytes.Count(b, []byte(`\x`)) >= 10:
		return "C string"
	case spaces == 0 && alpha >= len(b)-3:
		return "base64"
	case uu >= len(b)-1 && spaces < 24 && bytes.IndexByte(b, 'M') >= 0 && alpha < len(b)*9/10:
		return "uuencode"
	}
	return ""
}

// maxBack is how far before a sample the beginning of an encoded run is
// looked for: the first samples of a run are never far from it.
const maxBack = 2 * sampleStep

// runStart finds where the encoded text around i begins; negative where it
// goes too far back to be a beginning.
func runStart(b []byte, i int, how string) int {
	low := max(0, i-maxBack)
	switch how {
	case "C array":
		if k := bytes.LastIndexByte(b[low:i], '{'); k >= 0 {
			return low + k + 1
		}
		if k := bytes.LastIndexByte(b[low:i], '['); k >= 0 {
			return low + k + 1
		}
	case "C string":
		if k := bytes.LastIndexByte(b[low:i], '='); k >= 0 {
			return low + k + 1
		}
	case "uuencode":
		if k := bytes.LastIndex(b[low:i], []byte("begin ")); k >= 0 {
			if e := bytes.IndexByte(b[low+k:i], '\n'); e >= 0 {
				return low + k + e + 1
			}
		}
	case "ihex":
		for k := i; k > low; k-- {
			if b[k] == '\n' && (k+1 >= len(b) || b[k+1] == ':') && (k < 2 || !hexLine(b[max(0, k-48):k])) {
				return k + 1
			}
		}
		if low == 0 && b[0] == ':' {
			return 0
		}
	default: // back over the alphabet and line ends
		for k := i; k >= low; k-- {
			if c := b[k]; !base64Char(c) && c != '\n' && c != '\r' {
				return k + 1
			}
			if b[k] == '\n' && k > 0 && !base64Line(b[max(0, k-40):k]) {
				return k + 1
			}
		}
		if low == 0 {
			return 0
		}
	}
	return -1
}

func hexLine(b []byte) bool {
	k := bytes.LastIndexByte(b, ':')
	return k >= 0 && len(bytes.Trim(b[k+1:], "0123456789ABCDEFabcdef\r")) == 0
}

func base64Line(b []byte) bool {
	for _, c := range b {
		if !base64Char(c) {
			return false
		}
	}
	return len(b) >= 40
}

func base64Char(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// runEnd passes a run of encoded text that turned out to be nothing known, so
// that the next sample is behind the beginning of the one after it.
func runEnd(b []byte, i int, how string) int {
	end := i
	switch how {
	case "C array":
		for end < len(b) && b[end] != '}' && b[end] != ']' && b[end] != ';' {
			end++
		}
	case "C string":
		for end < len(b) && b[end] != ';' {
			end++
		}
	case "uuencode":
		if k := bytes.Index(b[i:], []byte("\nend")); k >= 0 {
			end += k
		} else {
			end = len(b)
		}
	default:
		for end < len(b) && (base64Char(b[end]) || b[end] == '\n' || b[end] == '\r' || b[end] == ':' && how == "ihex") {
			end++
		}
	}
	return end + 96 - sampleStep
}

// decode decodes the beginning of a run.
func decode(how string, b []byte) []byte {
	switch how {
	case "base64":
		var s []byte
		for _, c := range b {
			if base64Char(c) {
				s = append(s, c)
			} else if c != '\n' && c != '\r' {
				break
			}
		}
		if len(s)%4 == 1 {
			s = s[:len(s)-1]
		}
		out, _ := base64.RawStdEncoding.DecodeString(string(s)) // what is right of it
		return out
	case "uuencode":
		return uudecode(b)
	case "C array", "C string":
		return numbers(b)
	case "ihex":
		return ihex(b)
	}
	return nil
}

func uudecode(b []byte) []byte {
	var out []byte
	for line := range bytes.SplitSeq(b, []byte{'\n'}) {
		line = bytes.TrimRight(line, "\r")
		if len(line) < 1 {
			break
		}
		n := int(line[0]-' ') & 63
		line = line[1:]
		if n == 0 || len(line) < (n+2)/3*4 {
			break
		}
		for ; n > 0 && len(line) >= 4; n -= 3 {
			v := uint32(0)
			for _, c := range line[:4] {
				v = v<<6 | uint32(c-' ')&63
			}
			out = append(out, []byte{byte(v >> 16), byte(v >> 8), byte(v)}[:min(n, 3)]...)
			line = line[4:]
		}
	}
	return out
}

// numbers reads what a compiler would of an array or string of bytes.
func numbers(b []byte) []byte {
	var out []byte
	if bytes.Contains(b[:min(len(b), 256)], []byte(`\x`)) {
		for i := 0; i+3 < len(b); i++ {
			if b[i] == '\\' && b[i+1] == 'x' {
				if v, err := hex.DecodeString(string(b[i+2 : i+4])); err == nil {
					out = append(out, v...)
				}
				i += 3
			} else if b[i] == '\\' && b[i+1] >= '0' && b[i+1] <= '7' {
				out = append(out, b[i+1]-'0')
				i++
			} else if b[i] != '"' && b[i] > ' ' {
				out = append(out, b[i])
			}
		}
		return out
	}
	for len(b) > 0 {
		v, n := number(b)
		if n <= 0 {
			break
		}
		out = append(out, v)
		b = b[n:]
	}
	return out
}

// number reads the next number of a list of bytes, in any of C's notations,
// and what separates it from the one after it. The length is negative for what
// is no byte.
func number(b []byte) (v byte, n int) {
	i := 0
	for i < len(b) && (b[i] == ',' || b[i] <= ' ') {
		i++
	}
	minus := i < len(b) && b[i] == '-'
	if minus {
		i++
	}
	base, digits, val := 10, 0, 0
	if i+1 < len(b) && b[i] == '0' {
		base = 8
		switch b[i+1] | 0x20 {
		case 'x':
			base, i = 16, i+2
		case 'b':
			base, i = 2, i+2
		}
	}
	for ; i < len(b) && val < 256; i++ {
		d := int(hexDigit[b[i]])
		if d == 0 || d > base {
			break
		}
		val, digits = val*base+d-1, digits+1
	}
	for i < len(b) && (b[i]|0x20 == 'u' || b[i]|0x20 == 'l') {
		i++
	}
	if i < len(b) && b[i] != ',' && b[i] > ' ' || digits == 0 || val > 255 || minus && val > 128 {
		return 0, -1
	}
	if minus {
		val = -val
	}
	return byte(val), i
}

// hexDigit has the value of each digit, and one more.
var hexDigit = func() (t [256]byte) {
	for i := range 10 {
		t['0'+i] = byte(1 + i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(11+i), byte(11+i)
	}
	return t
}()

// ihex decodes the data records of Intel HEX, each checked by its sum; nil
// where one is wrong.
func ihex(b []byte) []byte {
	var out []byte
	for line := range bytes.SplitSeq(b, []byte{'\n'}) {
		line = bytes.TrimRight(line, "\r")
		if len(line) < 11 || line[0] != ':' {
			break
		}
		rec, err := hex.DecodeString(string(line[1:]))
		if err != nil || len(rec) != int(rec[0])+5 || rec[3] > 5 {
			break
		}
		var sum byte
		for _, c := range rec {
			sum += c
		}
		if sum != 0 {
			break
		}
		if rec[3] == 0 {
			out = append(out, rec[4:len(rec)-1]...)
		}
	}
	return out
}
