package format

// IsText is true for bytes without control characters under BEL: text in any
// encoding that extends ASCII, with whatever escapes, passes. Of compiled or
// compressed bytes one in 37 is such a character.
func IsText(b []byte) bool {
	// Eight bytes at once: adding 0x78 reaches the highest bit of each that is
	// eight or more, and of ASCII does not carry further. Where it is not all
	// that, the block is looked at closely.
	const mid, high = 0x7878787878787878, 0x8080808080808080
	for len(b) >= 64 {
		p, q, r, s := le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
		t, u, v, w := le.Uint64(b[32:]), le.Uint64(b[40:]), le.Uint64(b[48:]), le.Uint64(b[56:])
		control := ^((p + mid) & (q + mid) & (r + mid) & (s + mid) & (t + mid) & (u + mid) & (v + mid) & (w + mid))
		if (control|p|q|r|s|t|u|v|w)&high != 0 && !plain(b[:64]) {
			return false
		}
		b = b[64:]
	}
	return plain(b)
}

// plain is the same for a short text; most that are not of ASCII are of
// letters only, which the same sum without the highest bit tells.
func plain(b []byte) bool {
	const mid, high = 0x7878787878787878, 0x8080808080808080
	for len(b) >= 8 {
		if w := le.Uint64(b); (w&mid+mid|w)&high != high {
			break
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
