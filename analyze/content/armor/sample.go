package armor

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// wordy says that a sample is of words that do not fill either end of it.
func wordy(s *[SampleSize]byte) bool {
	if !blank((*[24]byte)(s[:])) || !blank((*[24]byte)(s[40:])) {
		return false
	}
	return kindsOf((*[8]byte)(s[:]))&cWord != 0 || // as of most
		(kindsOf((*[8]byte)(s[8:]))|kindsOf((*[8]byte)(s[16:]))|
			kindsOf((*[8]byte)(s[40:]))|kindsOf((*[8]byte)(s[48:]))|kindsOf((*[8]byte)(s[56:])))&cWord != 0
}

// Eight characters at once, with one bit of each or all but that.
const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
	low7 = 0x7f7f7f7f7f7f7f7f
)

// blank says that a blank or a tab is among 24 characters.
func blank(s *[24]byte) bool {
	a, b, c := binary.LittleEndian.Uint64(s[:]), binary.LittleEndian.Uint64(s[8:]), binary.LittleEndian.Uint64(s[16:])
	return anyOf(' ', a, b, c) || anyOf('\t', a, b, c)
}

// anyOf says that a character is there: what is equal becomes a byte of zeros,
// from which alone, or from a byte above one, a borrow takes the highest bit.
func anyOf(char uint64, a, b, c uint64) bool {
	a, b, c = a^char*ones, b^char*ones, c^char*ones
	return ((a-ones)&^a|(b-ones)&^b|(c-ones)&^c)&high != 0
}

func kindsOf(b *[8]byte) uint8 {
	return class[b[0]] | class[b[1]] | class[b[2]] | class[b[3]] | class[b[4]] | class[b[5]] | class[b[6]] | class[b[7]]
}

// indented is true where blanks are only at the beginnings and ends of lines,
// and beside the marks that join lines.
func indented(s []byte) bool {
	inside, blank := false, false // of a line: behind its first word, and a blank since
	for _, c := range s {
		switch {
		case c == '\n':
			inside, blank = false, false
		case c == ' ' || c == '\t':
			blank = inside
		case c == '\r' || c == '"' || c == '\'' || c == '+' || c == ',' || c == '\\':
		default:
			if blank {
				return false
			}
			inside = true
		}
	}
	return true
}

// run is true where no word ends.
func run(s []byte) bool {
	for _, c := range s {
		if class[c]&(cBase|cHex|cDigit) == 0 {
			return false
		}
	}
	return true
}

func lower(b []byte) bool {
	for _, c := range b {
		if c >= 'a' && c <= 'z' || c == '0' || c == '1' || c == '+' || c == '/' {
			return true
		}
	}
	return false
}

// maxSampled is the longest line that lineAt looks at.
const maxSampled = 400

// lineAt returns the line around b[i], where it is of a length that tools
// write.
func lineAt(b []byte, i int) []byte {
	low, high := max(0, i-maxSampled/2), min(len(b), i+maxSampled/2)
	start := lastBreak(b[low:i])
	end := bytes.IndexByte(b[i:high], '\n')
	if start < 0 && low > 0 || end < 0 && high < len(b) {
		return nil
	}
	if end < 0 {
		end = len(b) - i
	}
	line := b[low+start+1 : i+end]
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line
}

// lastBreak is bytes.LastIndexByte for line ends, eight bytes at once.
func lastBreak(b []byte) int {
	i := len(b)
	for ; i >= 8; i -= 8 {
		// What is equal becomes a byte of zeros, which alone does not get the
		// highest bit: nothing is carried.
		w := binary.LittleEndian.Uint64(b[i-8:]) ^ '\n'*ones
		if equal := ^(w&low7 + low7 | w) & high; equal != 0 {
			return i - 1 - bits.LeadingZeros64(equal)/8
		}
	}
	for i > 0 && b[i-1] != '\n' {
		i--
	}
	return i - 1
}
