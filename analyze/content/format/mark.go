package format

// marks are the first two bytes of the formats that are Marked and of the
// containers that have a magic. Python bytecode has its mark behind them, and
// tar's is further in.
var marks = func() (t [1 << 16]bool) {
	for _, m := range []string{
		"\x7fE", "MZ", "ZM", "\xca\xfe", "\xfe\xed", "\xce\xfa", "\xcf\xfa", "\x00a", "BC", "\xde\xc0", "FO", ";E", "\x1bL",
		"de", "cd", "Ca", "\x01\xfa", "\x01\x00", "DM", "\x27\x05", "\xd0\x0d",
		"\x03\x02", "\x07\x23", "DX", "\x50\xed", "\x00\x00", "GO", "LC", "# ", "(|", "(S", "\xfbj", "ru", "\xe2\x9c", "HL", "NE", "MO", "\xfeP", "SW", "go",
		"\xca\xfe", "\xda\xda", "\xa2\xba", "\xa8\xba", "UF", "\x00\x09", "\xff\xff", "\xff\x00", "\x7e\xaa", "DS", "SS", "\xbd\x86", "\xed\xd5",
		"\xfa\xfa", "\n\f", "\xd2\x8b", "\x1f\x8b", "\x1f\x9d", "\xfd7", "BZ", "\x28\xb5", "\x04\x22", "\x02\x21", "LZ", "PK", "Cr", "!<", "\xed\xab", "07",
		"\xc7\x71", "\x71\xc7", "\x0d\x00", "hs", "sq", "7z", "Ra", "\xc6\x1f", "\x90\xab", "\x07\x06", "\x04\x05", "x\x01", "x\x5e", "x\x9c", "x\xda", "\x5d\x00", "\x89L", "MS",
	} {
		t[le.Uint16([]byte(m))] = true
	}
	for c := 0x50; c < 0x60; c++ { // zstd's skippable frames
		t[c|0x2a<<8] = true
	}
	return t
}()

// Magic is false where nothing begins that is Marked, nor a container that has
// a magic: it says so at once of most bytes.
func Magic(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	return marks[le.Uint16(b)] && (b[0]|b[1] != 0 || zeros(b)) || b[2] == '\r' && b[3] == '\n' || len(b) >= 262 && string(b[257:262]) == "ustar" ||
		len(b) >= 64 && (string(b[56:60]) == "ARMd" || len(b) >= 0x210 && string(b[0x202:0x206]) == "HdrS")
}

// zeros says whether what begins with two zeros, as most numbers of 32 bits do,
// can be of Chez Scheme, which alone has them in its magic.
func zeros(b []byte) bool {
	const chez = "\x00\x00\x00\x00chez"
	n := min(len(b), len(chez))
	return string(b[:n]) == chez[:n]
}
