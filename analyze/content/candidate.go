package content

import "encoding/binary"

// minCandidate is the least of a payload that candidate wants to see.
const minCandidate = 6

// candidate returns the offset of the next bytes that could begin a payload;
// negative where there are none.
func candidate(b []byte) int {
	i := 0
	// Two neighbouring bytes of each magic lie at an even offset: the table
	// tells for most of these pairs at once that they are of none.
	for ; i+8+minCandidate <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if w == 0 { // as much of data is
			for i+72+minCandidate <= len(b) && zeros((*[64]byte)(b[i+8:])) {
				i += 64
			}
			continue
		}
		if pair(w)|pair(w>>16)|pair(w>>32)|pair(w>>48) == 0 {
			continue
		}
		for k := max(i-1, 0); k < i+8; k++ {
			if begins(b[k:]) {
				return k
			}
		}
	}
	for i = max(i-1, 0); i+minCandidate <= len(b); i++ {
		if begins(b[i:]) {
			return i
		}
	}
	return -1
}

// zeros says whether there is nothing else in a block.
func zeros(b *[64]byte) bool {
	le := binary.LittleEndian
	return le.Uint64(b[:])|le.Uint64(b[8:])|le.Uint64(b[16:])|le.Uint64(b[24:])|
		le.Uint64(b[32:])|le.Uint64(b[40:])|le.Uint64(b[48:])|le.Uint64(b[56:]) == 0
}

// pair is not zero where the lowest two bytes are in the table.
func pair(w uint64) uint64 {
	return pairs[w>>6&0x3ff] >> (w & 63) & 1
}

// pairs has a bit for the first two bytes of each magic, and for its second
// and third.
var pairs = func() (t [1 << 16 / 64]uint64) {
	set := func(a, b byte) {
		v := uint64(a) | uint64(b)<<8
		t[v>>6] |= 1 << (v & 63)
	}
	for _, m := range payloads {
		set(m[0], m[1])
		set(m[1], m[2])
	}
	set('M', 'Z')
	set(0x1f, 0x9d)
	for c := range 0x91 {
		set('Z', byte(c))
	}
	for _, c := range []byte{0x01, 0x5e, 0x9c, 0xda} {
		set('x', c)
		for d := range 256 {
			if d&6 == 4 {
				set(c, byte(d))
			}
		}
	}
	for d := 9; d <= 16; d++ { // of compress
		set(0x9d, byte(d))
		set(0x9d, byte(d|0x80))
	}
	for c := byte('1'); c <= '9'; c++ {
		set('h', c) // of bzip2, whose third byte is at an even offset
	}
	return t
}()

// payloads are the magics of what is worth finding in the middle of a file, but
// for MZ and those that are short: of compress, and of zlib.
var payloads = []string{
	"\x7fELF", "\x1f\x8b\x08", "\xfd7zXZ\x00", "BZh", "\x28\xb5\x2f\xfd", "PK\x03\x04", "7z\xbc\xaf", "hsqs", "07070",
	"\x04\x22\x4d\x18", "LZIP\x01", "\x89LZO\x00", "MSCF\x00", "Rar!\x1a\x07", "PACK\x00\x00\x00",
	"\xca\xfe\xba\xbe", "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "!<arc", "\x00asm\x01", "dex\n", "MOARVM",
}

// begins says whether b, of at least minCandidate bytes, begins with a magic.
func begins(b []byte) bool {
	switch b[0] {
	case 0x7f:
		return b[1] == 'E' && b[2] == 'L' && b[3] == 'F'
	case 'M':
		return b[1] == 'Z' && (b[2] == 0x90 || b[2] < 0x80 && b[3] < 2) || b[1] == 'S' && b[2] == 'C' && b[3] == 'F' && b[4] == 0 || string(b[1:6]) == "OARVM"
	case 0x1f:
		return b[1] == 0x8b && b[2] == 8 && b[3]&0xe0 == 0 || b[1] == 0x9d && b[2]&0x60 == 0 && b[2]&0x1f >= 9 && b[2]&0x1f <= 16
	case 'x': // zlib, with codes of its own
		return (b[1] == 0x01 || b[1] == 0x5e || b[1] == 0x9c || b[1] == 0xda) && b[2]&6 == 4
	case 0x04:
		return b[1] == 0x22 && b[2] == 0x4d && b[3] == 0x18
	case 'L':
		return b[1] == 'Z' && b[2] == 'I' && b[3] == 'P' && b[4] == 1
	case 0x89:
		return b[1] == 'L' && b[2] == 'Z' && b[3] == 'O' && b[4] == 0
	case 'R':
		return string(b[1:6]) == "ar!\x1a\x07"
	case 0xfd:
		return string(b[1:6]) == "7zXZ\x00"
	case 'B':
		return b[1] == 'Z' && b[2] == 'h' && b[4] == '1' && b[5] == 'A'
	case 0x28:
		return b[1] == 0xb5 && b[2] == 0x2f && b[3] == 0xfd
	case 'P':
		return b[1] == 'K' && b[2] == 3 && b[3] == 4 || string(b[1:6]) == "ACK\x00\x00"
	case '7':
		return b[1] == 'z' && b[2] == 0xbc && b[3] == 0xaf
	case 'h':
		return b[1] == 's' && b[2] == 'q' && b[3] == 's'
	case '0':
		return string(b[1:5]) == "7070" && (b[5] == '1' || b[5] == '2')
	case 0xca:
		return b[1] == 0xfe && b[2] == 0xba && b[3] == 0xbe
	case 0xcf, 0xce:
		return b[1] == 0xfa && b[2] == 0xed && b[3] == 0xfe
	case '!':
		return string(b[1:5]) == "<arc"
	case 0:
		return b[1] == 'a' && b[2] == 's' && b[3] == 'm' && b[4] == 1
	case 'd':
		return b[1] == 'e' && b[2] == 'x' && b[3] == '\n'
	}
	return false
}
