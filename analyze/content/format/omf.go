package format

// detectOMF recognises relocatable object modules, the format of 16 and 32 bit
// DOS and Windows compilers (TIS "Relocatable Object Module Format", 1.1):
// records of type, length and checksum, beginning with THEADR, LHEADR, or the
// header of a library.
func detectOMF(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 8 {
		return Match{}, false
	}
	switch h[0] {
	case 0x80, 0x82:
		return omfObject(b)
	case 0xf0:
		return omfLibrary(b)
	}
	return Match{}, false
}

func omfObject(b Blob) (Match, bool) {
	h := b.B
	n := uint64(le.Uint16(h[1:]))
	name := uint64(h[3])
	if n < 2 || name+2 != n || !b.within(3, n) {
		return Match{}, false
	}
	s := b.at(4, name)
	if s == nil || !printable(string(s)) {
		return Match{}, false
	}
	// The records that follow: known types, lengths in the file, and a
	// checksum that is right or, as some compilers write, zero.
	off, records, code := uint64(0), 0, false
	for records < 32 {
		head := b.at(off, 3)
		if head == nil {
			break
		}
		n := uint64(le.Uint16(head[1:]))
		if !omfRecord(head[0]) || n == 0 || !b.within(off+3, n) {
			return Match{}, false
		}
		if rec := b.at(off, n+3); rec != nil && rec[len(rec)-1] != 0 {
			var sum byte
			for _, c := range rec {
				sum += c
			}
			if sum != 0 {
				return Match{}, false
			}
		}
		code = code || head[0]&^1 == 0x98 || head[0] == 0x96
		records++
		off += n + 3
		if head[0]&^1 == 0x8a { // MODEND
			break
		}
	}
	if records < 2 || !code && !b.whole() && records < 8 {
		return Match{}, false
	}
	return native("omf-object", ""), true
}

func omfRecord(t byte) bool {
	switch t {
	case 0x6e, 0x7a, 0x7c, 0x80, 0x82, 0x88, 0x8a, 0x8b, 0x8c, 0x8e, 0x90, 0x91, 0x94, 0x95, 0x96, 0x98, 0x99,
		0x9a, 0x9b, 0x9c, 0x9d, 0xa0, 0xa1, 0xa2, 0xa3, 0xb0, 0xb2, 0xb3, 0xb4, 0xb6, 0xb7, 0xb8, 0xb9, 0xbc, 0xbe,
		0xc0, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xce:
		return true
	}
	return false
}

// omfLibrary checks a library's header: the page size is a power of two, and
// the dictionary is in the file.
func omfLibrary(b Blob) (Match, bool) {
	h := b.B
	page := uint64(le.Uint16(h[1:])) + 3
	if len(h) < 10 || page < 16 || page > 32768 || page&(page-1) != 0 {
		return Match{}, false
	}
	dict, blocks := uint64(le.Uint32(h[3:])), uint64(le.Uint16(h[7:]))
	if dict < page || blocks == 0 || !b.within(dict, blocks*512) || h[9] > 1 {
		return Match{}, false
	}
	if first := b.at(page, 3); first != nil && first[0] != 0x80 && first[0] != 0x82 && first[0] != 0xf1 {
		return Match{}, false
	}
	return native("omf-library", ""), true
}
