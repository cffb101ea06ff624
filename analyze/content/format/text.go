package format

// IsText is true for bytes without control characters under BEL: text in any
// encoding that extends ASCII, with whatever escapes, passes. Of compiled or
// compressed bytes one in 37 is such a character.
func IsText(b []byte) bool {
	// Eight bytes at once: (c & 0x78) + 0x78 reaches the highest bit where c,
	// but for that bit, is eight or more, and does not carry further.
	const mid, high = 0x7878787878787878, 0x8080808080808080
	for len(b) >= 32 {
		w, x, y, z := le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
		if (w&mid+mid|w)&(x&mid+mid|x)&(y&mid+mid|y)&(z&mid+mid|z)&high != high && !plain(b[:32]) {
			return false
		}
		b = b[32:]
	}
	return plain(b)
}

func plain(b []byte) bool {
	for _, c := range b {
		if c < '\a' {
			return false
		}
	}
	return true
}
