package inflate_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"

	"fromsource/analyze/content/inflate"
)

// result is what comes of a stream.
func result(t testing.TB, b []byte) (out []byte, failure string) {
	t.Helper()
	z := inflate.New(bytes.NewReader(b))
	out, err := io.ReadAll(io.LimitReader(z, 1<<20))
	if err != nil {
		failure = err.Error()
	}
	_ = z.Close() // of a broken stream it has the same error
	return out, failure
}

// deflated packs text.
func deflated(t testing.TB, text []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// befores are streams that leave tables behind.
func befores(t testing.TB) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	var out [][]byte
	for n := range 6 {
		text := make([]byte, 3000)
		for i := range text {
			text[i] = byte('a' + r.IntN(2+n*4))
		}
		out = append(out, deflated(t, text, 6), deflated(t, bytes.Repeat(text[:50], 40), 9))
	}
	return out
}

// noCodes are streams whose blocks declare no codes: of lengths, and of
// distances, which the first symbol then asks for.
var noCodes = [][]byte{
	append([]byte{0x04, 0x00}, bytes.Repeat([]byte{0x00}, 40)...),
	append([]byte{0x05, 0xe0}, bytes.Repeat([]byte{0x00, 0x55, 0xaa}, 40)...),
}

// TestSame: what comes of a stream does not depend on the one before it.
func TestSame(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	streams, others := append([][]byte{}, noCodes...), befores(t)
	for range 40 { // whatever begins with a block of codes of its own
		b := make([]byte, 60)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		b[0] = b[0]&^7 | 4
		streams = append(streams, b)
	}
	for _, b := range streams {
		want, failed := result(t, b)
		for _, before := range others {
			if _, failure := result(t, before); failure != "" {
				t.Fatal(failure)
			}
			if got, failure := result(t, b); !bytes.Equal(got, want) || failure != failed {
				t.Errorf("%x: %d bytes, %s; %d bytes, %s before", b, len(got), failure, len(want), failed)
			}
		}
	}
}

// gunzipped is result of a stream as a member of a gzip file.
func gunzipped(b []byte) (out []byte, failure string) {
	z, done, err := inflate.Gzip(bytes.NewReader(append([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), b...)))
	defer done()
	if err == nil {
		out, err = io.ReadAll(io.LimitReader(z, 1<<20))
	}
	return out, err.Error() // its sum is missing at least
}

// TestSameGzip is TestSame of gzip files.
func TestSameGzip(t *testing.T) {
	others := befores(t)
	for _, b := range noCodes {
		want, failed := gunzipped(b)
		for _, before := range others {
			gunzipped(before)
			if got, failure := gunzipped(b); !bytes.Equal(got, want) || failure != failed {
				t.Errorf("%x: %d bytes, %s; %d bytes, %s before", b, len(got), failure, len(want), failed)
			}
		}
	}
}

// TestNoCodes: a stream that declares no codes is an error at once.
func TestNoCodes(t *testing.T) {
	for _, b := range noCodes[:1] {
		if out, failure := result(t, b); len(out) > 0 || failure == "" {
			t.Errorf("%x gives %d bytes, %s", b, len(out), failure)
		}
	}
}

// FuzzSame: the same of any stream; and what a new decoder of the library makes
// sense of is what comes of it here.
func FuzzSame(f *testing.F) {
	for _, b := range append(befores(f), noCodes...) {
		f.Add(b)
	}
	before := befores(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		want, failed := result(t, b)
		for _, other := range before[:4] {
			result(t, other)
			if got, failure := result(t, b); !bytes.Equal(got, want) || failure != failed {
				t.Fatalf("%d bytes, %s; %d bytes, %s before", len(got), failure, len(want), failed)
			}
		}
		if fresh, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), 1<<20)); err == nil && !bytes.Equal(fresh, want) {
			t.Errorf("%d bytes, where a new decoder gives %d", len(want), len(fresh))
		}
	})
}

func BenchmarkNew(b *testing.B) {
	packed := deflated(b, bytes.Repeat([]byte("some text and more "), 10), 6)
	var src bytes.Reader
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			src.Reset(packed)
			z := inflate.New(&src)
			_, _ = io.Copy(io.Discard, z)
			_ = z.Close()
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			src.Reset(packed)
			z := flate.NewReader(&src)
			_, _ = io.Copy(io.Discard, z)
		}
	})
}
