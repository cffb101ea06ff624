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
