// Package armor finds and decodes what text carries of a binary: base64 and
// its relatives, hexadecimal and its dumps, lists of numbers, escaped strings,
// Intel HEX and Motorola records.
//
// It says how a stretch of text could be encoded and what the bytes then are;
// whether those are a program is for the caller. Nothing here fails: text that
// is not of a form decodes to little or nothing.
package armor

import "bytes"

// Form is one way to write bytes as text.
type Form uint8

// The forms.
const (
	None      Form = iota
	Base64         // RFC 4648, both alphabets, in lines, quotes or one string
	Base32         // RFC 4648
	Ascii85        // Adobe's and btoa's, with or without "<~"
	Base85         // RFC 1924, as Python and git have it
	Z85            // ZeroMQ's alphabet
	Hex            // xxd -p; bytes may be separated
	Dump           // xxd, hexdump -C, od -tx1: offset, bytes, characters
	DumpWords      // hexdump: offset, words of 16 bits, little-endian
	DumpOctal      // od: the same in octal
	List           // numbers of 8 bits, in all of C's notations
	ListLE         // numbers of 32 bits
	ListBE         // the same of a machine with the other order
	Escaped        // a string with \x7f, \177, \u007f or %7f
	Quoted         // quoted-printable
	YEnc           // yEnc, which is text but for what breaks lines
	Uuencode       // and xxencode's cousin without a table of its own
	IntelHex       // records of type 0 to 5
	SRecord        // Motorola S0 to S9
	formsCount
)

// Forms are all of them.
func Forms() []Form {
	out := make([]Form, 0, formsCount-1)
	for f := Base64; f < formsCount; f++ {
		out = append(out, f)
	}
	return out
}

func (f Form) String() string {
	return [formsCount]string{
		"text", "base64", "base32", "ascii85", "base85", "z85", "hex", "hex dump", "hex dump of words", "octal dump",
		"list of bytes", "list of words", "list of big-endian words", "escaped string", "quoted-printable", "yenc",
		"uuencode", "ihex", "srec",
	}[f]
}

// Firmware is true for the forms that are themselves formats of firmware.
func (f Form) Firmware() bool { return f == IntelHex || f == SRecord }

// SampleSize is how much text Guess wants to see.
const SampleSize = 64

// kinds of characters, as bits; counts of them are what tells the forms apart.
const (
	cWord  = 1 << iota // a letter that no number has
	cSpace             // blank or tab
	cDigit
	cHex    // a to f
	cBase   // all of base64's alphabets but hexadecimal digits
	cBreak  // line ends
	cComma  // and semicolon: between numbers
	cEscape // backslash and percent
)

var class = func() (t [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		t[c] = cDigit
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-32] = cBase, cBase
		if c >= 'g' && c != 'x' && c != 'u' {
			t[c] |= cWord
		}
	}
	for _, c := range "abcdefABCDEF" {
		t[c] = cHex
	}
	for _, c := range "+/=-_" {
		t[c] = cBase
	}
	t[' '], t['\t'], t['\n'], t['\r'] = cSpace, cSpace, cBreak, cBreak
	t[','], t[';'] = cComma, cComma
	t['\\'], t['%'] = cEscape, cEscape
	return t
}()

// lanes counts some kinds of characters at once: each has seven bits of a word,
// in which the characters of a sample have room.
const (
	lLetter = 7 * iota // of base64, but for hexadecimal digits
	lDigit             // hexadecimal
	lBreak
	lSpace
	lEscape
	lComma
	lEquals
	lColon
	lWord
)

var lanes = func() (t [256]uint64) {
	for c := range t {
		for bit, lane := range map[uint8]int{
			cBase: lLetter, cDigit | cHex: lDigit, cBreak: lBreak, cSpace: lSpace, cEscape: lEscape, cComma: lComma, cWord: lWord,
		} {
			if class[c]&bit != 0 {
				t[c] += 1 << lane
			}
		}
	}
	t['='] += 1 << lEquals
	t[':'] += 1 << lColon
	return t
}()

func lane(t uint64, lane int) int { return int(t >> lane & 0x7f) }

// tally counts the kinds of all characters of a sample.
func tally(s []byte) (t uint64) {
	for len(s) >= 8 {
		t += lanes[s[0]] + lanes[s[1]] + lanes[s[2]] + lanes[s[3]] + lanes[s[4]] + lanes[s[5]] + lanes[s[6]] + lanes[s[7]]
		s = s[8:]
	}
	for _, c := range s {
		t += lanes[c]
	}
	return t
}

var (
	asHex    = []Form{Hex, Base64}
	asBase32 = []Form{Base32, Base64}
	asBase64 = []Form{Base64}
	asBase85 = []Form{Ascii85, Z85, Base85, Uuencode}
	asUU     = []Form{Uuencode, Ascii85}
	asDump   = []Form{Dump, DumpWords, DumpOctal, Hex}
	asList   = []Form{List, ListLE, ListBE}
	asWords  = []Form{ListLE, ListBE}
	asString = []Form{Escaped}
	asQuoted = []Form{Quoted}
	asIntel  = []Form{IntelHex}
	asMoto   = []Form{SRecord}
)

// Guess says how the stretch of text at b[i:i+SampleSize] may carry bytes, in
// the order to try; nil for words.
func Guess(b []byte, i int) []Form {
	s := b[i:min(len(b), i+SampleSize)]
	// In encoded text blanks are few or regular: an indent between two lines,
	// or separators.
	few := bytes.Count(s, []byte{','}) < 5
	if few && len(s) == SampleSize && wordy((*[SampleSize]byte)(s)) {
		return nil // says the same of most at less cost
	}
	return guess(b, i, s, few)
}

// guess is Guess where a first look at the sample did not tell.
func guess(b []byte, i int, s []byte, few bool) []Form {
	t := tally(s)
	// Words are text and nothing else: blanks, and small letters that are
	// neither digits nor part of a number's spelling.
	if few && lane(t, lWord) > 0 && lane(t, lSpace) > 0 && ((!run(s[:24]) && !run(s[len(s)-24:])) || !indented(s)) {
		return nil
	}
	letters, hexes := lane(t, lLetter), lane(t, lDigit)
	breaks, blanks, commas := lane(t, lBreak), lane(t, lSpace), lane(t, lComma)
	all := len(s)
	if lane(t, lEscape) >= 8 {
		return asString
	}
	if lane(t, lEquals) >= 8 {
		return asQuoted
	}
	colons, line := lane(t, lColon), lineAt(b, i)
	if hexes+breaks+8 >= all && (colons > 0 || bytes.IndexByte(s, 'S') >= 0) {
		switch {
		case record(line, ':'):
			return asIntel
		case record(line, 'S'):
			return asMoto
		case b[i] < 0x80 && dumpLine(line):
			return asDump
		}
		return asHex
	}
	if commas >= 4 || blanks+breaks >= 8 && hexes+letters+blanks+breaks+commas+3 >= all {
		if b[i] < 0x80 && dumpLine(line) {
			return asDump
		}
		if f := numbersOr(s, blanks); f != nil {
			return f
		}
	}
	switch {
	case hexes+breaks+2 >= all:
		return asHex
	case hexes+letters+breaks+blanks+6 >= all && (run(s[:24]) || run(s[all-24:])):
		if lower(s) {
			return asBase64
		}
		return asBase32
	case hexes+colons+4 >= all:
		return asHex
	case b[i] < 0x80 && dumpLine(line):
		return asDump
	case uuLine(line):
		return asUU
	case blanks <= 1:
		return asBase85
	}
	return nil
}

// enough is how many numbers of a sample say of what kind the list is.
const enough = 8

// numbersOr looks at what may be a list: its numbers are bytes, or too large
// for that; or the hexadecimal digits have no mark and are a dump.
func numbersOr(s []byte, blanks int) []Form {
	if blanks >= 8 && !marked(s) && pairs(s) {
		return asHex
	}
	// The first number of a sample may be half of one.
	k := 0
	for k < len(s) && s[k] != ',' && s[k] != ' ' && s[k] != '\t' && s[k] != '\n' {
		k++
	}
	if k == len(s) {
		return nil
	}
	var word, count int
	for rest := s[k:]; len(rest) > 11 && count < enough && (word == 0 || count < 3); count++ {
		v, w, ok := number(rest)
		if !ok {
			break
		}
		if v > 255 {
			word++
		}
		rest = rest[w:]
	}
	switch {
	case count < 3:
		return nil
	case word > 0:
		return asWords
	}
	return asList // which may be of words that are small
}

// marked says whether there is a mark of numbers: a comma, or that of a base.
func marked(s []byte) bool {
	return bytes.IndexByte(s, ',') >= 0 || bytes.Contains(s, []byte("0x")) || bytes.Contains(s, []byte("0X"))
}

// pairs says whether hexadecimal digits are in twos.
func pairs(s []byte) bool {
	long := 0
	for _, c := range s { // says so at once of most
		if long++; c <= ' ' || c >= 0x80 {
			long = 0
		} else if long > 2 {
			return false
		}
	}
	two := 0
	for f := range bytes.FieldsSeq(s) {
		if len(f) > 2 {
			return false
		}
		if len(f) == 2 && class[f[0]]&(cDigit|cHex) != 0 && class[f[1]]&(cDigit|cHex) != 0 {
			two++
		}
	}
	return two >= 8
}
