package format

// IsText is true for bytes that hold no control characters but white space,
// escape, bell and form feed; any encoding that extends ASCII passes.
func IsText(b []byte) bool {
	for len(b) >= 32 {
		if suspects(le.Uint64(b))|suspects(le.Uint64(b[8:]))|suspects(le.Uint64(b[16:]))|suspects(le.Uint64(b[24:])) != 0 {
			if !plain(b[:32]) {
				return false
			}
		}
		b = b[32:]
	}
	return plain(b)
}

// suspects marks the bytes under 0x20 of a word, but for line ends and tabs:
// without branches, for those are everywhere. A byte under 0x20 has its three
// highest bits clear, so that adding 0x60 to the low seven does not carry.
func suspects(w uint64) uint64 {
	const low, high = 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	nl, tab := w^0x0a0a0a0a0a0a0a0a, w^0x0909090909090909
	return ^(w&low + 0x6060606060606060 | w) & (nl&low + low | nl) & (tab&low + low | tab) & high
}

func plain(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && control[c] {
			return false
		}
	}
	return true
}

var control = [32]bool{
	0: true, 1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 0x0e: true, 0x0f: true,
	0x10: true, 0x11: true, 0x12: true, 0x13: true, 0x14: true, 0x15: true, 0x16: true, 0x17: true,
	0x18: true, 0x19: true, 0x1c: true, 0x1d: true, 0x1e: true, 0x1f: true,
}
