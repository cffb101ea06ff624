package compare

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/nix-community/go-nix/pkg/nar"
)

// treeNAR is a NAR of files by their sizes, larger and smaller than a block,
// and the place of each file's contents in it.
func treeNAR(t *testing.T, sizes []int) (b []byte, at []int) {
	t.Helper()
	var buf bytes.Buffer
	w, err := nar.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.WriteHeader(&nar.Header{Path: "/", Type: nar.TypeDirectory}))
	r := rand.New(rand.NewPCG(1, 2))
	for i, n := range sizes {
		must(w.WriteHeader(&nar.Header{Path: fmt.Sprintf("/f%03d", i), Type: nar.TypeRegular, Size: int64(n)}))
		at = append(at, buf.Len()) // of nothing, until something is written
		content := make([]byte, n)
		for k := range content {
			content[k] = byte(r.Uint32())
		}
		_, err := w.Write(content)
		must(err)
		at[i] = bytes.LastIndex(buf.Bytes(), content)
	}
	must(w.Close())
	return buf.Bytes(), at
}

func sri(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Wherever two NARs first differ, in a block or at its edge, both hashes are
// those of all bytes, and the place is the right one. Streams come in any
// pieces.
func TestReadAhead(t *testing.T) {
	sizes := []int{1, 100, blockSize - 200, blockSize, 3*blockSize + 5, 7, 2 * blockSize, 0, 12}
	one, at := treeNAR(t, sizes)
	pieces := []func(io.Reader) io.Reader{
		func(r io.Reader) io.Reader { return r },
		iotest.HalfReader,
		func(r io.Reader) io.Reader { return io.MultiReader(io.LimitReader(r, 1), iotest.DataErrReader(r)) },
	}
	turn := 0
	for _, inMemory := range []int64{0, 1} { // with the default, and all files in the second pass
		for f, n := range sizes {
			for _, off := range []int{0, n / 2, blockSize - 1 - at[f]%blockSize, blockSize - at[f]%blockSize, n - 1} {
				if off < 0 || off >= n {
					continue
				}
				two := bytes.Clone(one)
				two[at[f]+off] ^= 1
				turn++
				open := func(b []byte, turn int) Opener {
					return func(context.Context) (io.ReadCloser, error) {
						return io.NopCloser(pieces[turn%len(pieces)](bytes.NewReader(b))), nil
					}
				}
				r, err := NARs(context.Background(), open(one, turn), open(two, turn+1), Options{InMemory: inMemory})
				if err != nil {
					t.Fatal(err)
				}
				if r.HashA != sri(one) || r.HashB != sri(two) || r.SizeA != int64(len(one)) || r.SizeB != int64(len(two)) {
					t.Errorf("file %d, byte %d: hashes %s and %s of %d and %d bytes", f, off, r.HashA, r.HashB, r.SizeA, r.SizeB)
				}
				want := fmt.Sprintf("1 of %d bytes differ; first at byte %d", n, off)
				if r.Count != 1 || r.Differences[0].Path != fmt.Sprintf("f%03d", f) || r.Differences[0].Detail != want {
					t.Errorf("file %d, byte %d: %+v", f, off, r)
				}
			}
		}
	}
	// The same, one longer by a file, and one that is cut off.
	more, _ := treeNAR(t, append(sizes, 5))
	for _, c := range []struct {
		name string
		b    []byte
		want int
	}{{"same", one, 0}, {"more", more, 1}, {"cut off", one[:len(one)-blockSize/2], -1}, {"nothing", nil, -1}} {
		for _, swap := range []bool{false, true} {
			x, y := one, c.b
			if swap {
				x, y = y, x
			}
			r, err := NARs(context.Background(), bytesNAR(x), bytesNAR(y), Options{})
			if (err != nil) != (c.want < 0) {
				t.Errorf("%s: %v", c.name, err)
			}
			if err == nil && (r.Count != c.want || r.HashA != sri(x) || r.HashB != sri(y)) {
				t.Errorf("%s: %+v", c.name, r)
			}
		}
	}
}
