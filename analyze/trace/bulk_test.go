package trace

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// TestBulkInPieces: a stream gives the same sums however it is cut.
func TestBulkInPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	data := make([]byte, 300<<10)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	want := sampleBulk(nil, data)
	slices.Sort(want)
	if n := len(want); n < len(data)>>bulkBits/2 || n > len(data)>>bulkBits*2 {
		t.Fatalf("%d sums of %d bytes", n, len(data))
	}
	for _, most := range []int{1, 5, 31, 32, 33, 63, 64, 65, 5000} {
		var b bulk
		for rest := data; len(rest) > 0; {
			n := min(1+rng.IntN(most), len(rest))
			_, _ = b.Write(rest[:n]) // never fails
			rest = rest[n:]
		}
		if got := b.done(); !slices.Equal(got, want) {
			t.Errorf("in pieces of up to %d bytes: %d sums, want %d", most, len(got), len(want))
		}
	}
}

// TestWholeSurvivesStrip: what is loaded of a program is found at an odd offset
// in something else, and a program of the same kind is not.
func TestWholeSurvivesStrip(t *testing.T) {
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	sort, cpio := read("/usr/bin/sort"), read("/usr/bin/cpio")
	var b bulk
	for _, p := range [][]byte{[]byte("some head"), sort, bytes.Repeat([]byte("padding"), 999)} {
		_, _ = b.Write(p)
	}
	in := b.done()
	if sums := sampleWhole(sort); !MostOf(shared(sums, in), len(sums)) {
		t.Errorf("%d of %d sums found", shared(sums, in), len(sums))
	}
	if sums := sampleWhole(cpio); shared(sums, in) > len(sums)/10 {
		t.Errorf("%d of %d sums of another program found", shared(sums, in), len(sums))
	}
}

func FuzzBulk(f *testing.F) {
	f.Add(bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz"), 99), uint8(7))
	f.Add([]byte("\x7fELF"), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		want := sampleBulk(nil, data)
		slices.Sort(want)
		want = slices.Compact(want)
		var b bulk
		for rest := data; len(rest) > 0; {
			n := min(1+int(cut), len(rest))
			_, _ = b.Write(rest[:n])
			rest = rest[n:]
		}
		if got := b.done(); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
		if got := sampleWhole(data); !slices.IsSorted(got) {
			t.Fatal("not sorted")
		}
	})
}

func BenchmarkBulk(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	data := make([]byte, 4<<20)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var s bulk
		_, _ = s.Write(data)
		s.done()
	}
}
