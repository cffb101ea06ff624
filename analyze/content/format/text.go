package format

// IsText is true for bytes without control characters under BEL: text in any
// encoding that extends ASCII, with whatever escapes, passes. Of compiled or
// compressed bytes one in 37 is such a character.
func IsText(b []byte) bool {
	// Eight bytes at once: adding 0x79 sets the highest bit of those from BEL to
	// 0x86. Those above lack it, as those below do, and alone carry into the
	// next byte. Where a bit is missing the block is looked at closely.
	for len(b) >= 128 {
		p := (*[128]byte)(b)
		all := (le.Uint64(p[:]) + bel) & (le.Uint64(p[8:]) + bel) & (le.Uint64(p[16:]) + bel) & (le.Uint64(p[24:]) + bel) &
			(le.Uint64(p[32:]) + bel) & (le.Uint64(p[40:]) + bel) & (le.Uint64(p[48:]) + bel) & (le.Uint64(p[56:]) + bel) &
			(le.Uint64(p[64:]) + bel) & (le.Uint64(p[72:]) + bel) & (le.Uint64(p[80:]) + bel) & (le.Uint64(p[88:]) + bel) &
			(le.Uint64(p[96:]) + bel) & (le.Uint64(p[104:]) + bel) & (le.Uint64(p[112:]) + bel) & (le.Uint64(p[120:]) + bel)
		if all&high != high && !plain(p[:]) {
			return false
		}
		b = b[128:]
	}
	return plain(b)
}

const bel, high = 0x7979797979797979, 0x8080808080808080

// plain is the same for a short text, and one that is not of ASCII: the highest
// bit is left out of the sum, so that nothing carries.
func plain(b []byte) bool {
	for len(b) >= 8 {
		if w := le.Uint64(b); (w&^high+bel|w)&high != high {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c < '\a' {
			return false
		}
	}
	return true
}
