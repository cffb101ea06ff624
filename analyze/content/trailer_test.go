package content

import (
	"bytes"
	"context"
	"testing"

	"fromsource/analyze/content/stream"
)

// What has its magic at the end is recognised wherever the windows end.
func TestTrailerAcrossWindows(t *testing.T) {
	bios := []byte("\xea\x5b\xe0\x00\xf0" + "06/23/99" + "\x00\xfc\x00")
	for _, size := range []int{stream.Window / 2, stream.Window, stream.Window + 8, stream.Window + 300, 2 * stream.Window} {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(i * i >> 3)
		}
		copy(b[size-len(bios):], bios)
		r, err := Inspect(context.Background(), "bios.img", bytes.NewReader(b), Options{})
		if err != nil || len(r.Members) != 1 || r.Members[0].Format != "bios-image" {
			t.Errorf("%d bytes: %v %+v", size, err, r.Members)
		}
	}
}

// A module of WebAssembly that a script has as a string of characters is found,
// as it is and with some of it spelled; its magic in words is none.
func TestWasmLiteral(t *testing.T) {
	for _, c := range []struct {
		b    string
		want bool
	}{
		{"var d='\x00asm\x01\x00\x00\x00\x01\u00be\x06i`\x02\x7f\x7f\x00';", true},
		{"var d=`\\0asm\x01\\0\\0\\0\x01\\xBE\x06i`;", true},
		{"var d='the magic is asm\x01 and a version';", false},
		{"var d='\x00asm\x01\x00\x02\x00';", false},
	} {
		r, err := Inspect(context.Background(), "a.js", bytes.NewReader([]byte("let a = 1;\n"+c.b)), Options{})
		if err != nil || (len(r.Members) == 1 && r.Members[0].Format == "wasm" && r.Members[0].Embedded) != c.want {
			t.Errorf("%q: %v %+v", c.b, err, r.Members)
		}
	}
}
