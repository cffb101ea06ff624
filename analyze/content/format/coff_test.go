package format_test

import (
	"encoding/hex"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/format"
)

// What GNU's assembler for the H8/300 made of two instructions and a byte of
// data, and its linker for the Z80 of the same; both make nothing else than COFF.
const (
	h8Object = "" +
		"830000036b0518670000009200000009000000042e746578740000000000000000000000000000040000008c000000000000000000000000000000202e6461746100000000000004" +
		"000000040000000200000090000000000000000000000000000000402e6273730000000000000006000000060000000000000000000000000000000000000000000000820d015470" +
		"01002e66696c6500000000000000fffe0000670166616b6500000000000000000000000000002e746578740000000000000000010000030100000004000000000000000000000000" +
		"00002e64617461000000000000040002000003010000000200000000000000000000000000002e627373000000000000000600030000030100000000000000000000000000000000" +
		"00005f6600000000000000000000000100000200"

	z80Program = "" +
		"5a80020000000000830000000f0000001c000731000000000000000000000000000000000000000000000000000000002e7465787400000000000000000000000200000080000000" +
		"000000000000000000000000200000002e64617461000000020000000200000001000000820000000000000000000000000000004000000078c9012e66696c6500000000000000fe" +
		"ff0000670166616b6500000000000000000000000000002e74657874000000000000000100000003010200000000000000000000000000000000002e646174610000000200000002" +
		"00000003010100000000000000000000000000000000005f5f4c6162730000000000000100000002005f5f4c6273730000030000000200000002005f5f4c64617461000200000002" +
		"00000002005f5f486461746100030000000200000002005f5f4c7465787400000000000100000002005f5f486162730000000000000100000002005f660000000000000000000001" +
		"00000002005f5f486273730000030000000200000002005f5f4874657874000200000001000000020004000000"
)

func TestUnixCOFF(t *testing.T) {
	h8, z80 := unhex(t, h8Object), unhex(t, z80Program)
	with := func(b []byte, at int, v ...byte) []byte {
		return append(append(append([]byte{}, b[:at]...), v...), b[at+len(v):]...)
	}
	for _, c := range []struct {
		name   string
		b      []byte
		want   string
		detail string
	}{
		{"object, big-endian", h8, "coff-object", "h8300"},
		{"program, little-endian", z80, "coff-executable", "z80"},
		{"stripped", with(h8, 8, make([]byte, 8)...), "coff-object", "h8300"},
		{"another machine", with(h8, 0, 0x83, 0x05), "", ""},
		{"without sections", with(h8, 2, 0, 0), "", ""},
		{"more sections than fit", with(h8, 2, 0, 0xff), "", ""},
		{"linked without the header of programs", with(h8, 18, 0, 2), "", ""},
		{"a section without a name", with(h8, 20, 0), "", ""},
		{"a section behind the end", with(h8, 20+20, 0, 0, 0x7f), "", ""},
		{"a section in the headers", with(h8, 20+20, 0, 0, 0, 40), "", ""},
		{"symbols behind the end", with(h8, 12, 0, 0, 1), "", ""},
		{"symbols at no place", with(h8, 8, 0, 0, 0, 0), "", ""},
		{"no code", with(h8, 20+36, 0, 0, 0, 0x40), "", ""},
		{"cut off", h8[:200], "", ""},
		{"its header alone", h8[:20], "", ""},
	} {
		m := format.Detect("x", c.b, int64(len(c.b)))
		if m.Name != c.want || m.Detail != c.detail || (m.Kind == audit.NativeCode) != (c.want != "") {
			t.Errorf("%s: %+v, want %q %q", c.name, m, c.want, c.detail)
		}
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
