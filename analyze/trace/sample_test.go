package trace

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// shared counts the sums that two samples have in common.
func shared(a, b []uint32) int {
	n := 0
	for _, s := range a {
		if _, ok := slices.BinarySearch(b, s); ok {
			n++
		}
	}
	return n
}

// TestSampleMoves: the same code is sampled alike wherever it lies, and about
// one window in 1<<codeBits is chosen.
func TestSampleMoves(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	code := make([]byte, 64<<10)
	for i := range code {
		code[i] = byte(rng.Uint32())
	}
	want := sampleCode(nil, code)
	if n := len(want); n < len(code)>>codeBits/2 || n > len(code)>>codeBits*2 {
		t.Errorf("%d sums of %d bytes, want one in %d", n, len(code), 1<<codeBits)
	}
	for _, before := range []int{1, 13, 4096} {
		moved := slices.Concat(make([]byte, before), code, make([]byte, 100))
		got := sampleCode(nil, moved)
		slices.Sort(got)
		if n := shared(want, got); n != len(want) {
			t.Errorf("moved by %d: %d of %d sums found", before, n, len(want))
		}
	}
	// Relocations change four bytes here and there.
	for i := 100; i+4 < len(code); i += 100 {
		code[i] ^= 0x55
	}
	got := sampleCode(nil, code)
	slices.Sort(got)
	if n := shared(want, got); n < len(want)/2 || n == len(want) {
		t.Errorf("relocated: %d of %d sums found, want more than half", n, len(want))
	}
	if n := len(sampleCode(nil, bytes.Repeat([]byte{0x90}, 1<<16))); n != 0 {
		t.Errorf("%d sums of padding", n)
	}
}

// TestSampleTellsApart: programs by the same compiler do not pass for each
// other, an object passes for what it was linked into.
func TestSampleTellsApart(t *testing.T) {
	w := walkOf(t, `mkdir out; cp /usr/bin/sort /usr/bin/uniq /usr/bin/cut /usr/bin/xz /usr/bin/cpio out
(cd out; ar x $(gcc -print-file-name=libc.a) regex.o
printf '#include <regex.h>\nint main(int c,char**v){regex_t r;return regcomp(&r,v[0],c)+regexec(&r,v[c-1],0,0,0);}' > a.c
gcc -static -o linked a.c; echo 'int main(){return 0;}' > a.c; gcc -static -o other a.c; rm a.c)`)
	by := map[string]Sample{}
	for _, s := range w.Samples {
		by[s.File] = s
	}
	object := by["regex.o"]
	if len(by) != 8 || !object.Object || by["linked"].Object {
		t.Fatalf("samples of %d files, %+v", len(by), object.Object)
	}
	if n := shared(object.Sums, by["linked"].Sums); n < 4*MinShared {
		t.Errorf("the linked program shares %d of %d sums with its object", n, len(object.Sums))
	}
	for _, name := range []string{"sort", "uniq", "cut", "xz", "cpio", "other"} {
		if n := shared(object.Sums, by[name].Sums); n >= MinShared/2 {
			t.Errorf("%s shares %d sums with an object that it does not hold", name, n)
		}
	}
}

func FuzzSampleELF(f *testing.F) {
	b, err := os.ReadFile("/usr/bin/true")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[:min(len(b), 8<<10)])
	f.Add([]byte("\x7fELF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, ok := sampleELF("x", b)
		if !slices.IsSorted(s.Sums) || ok != (len(s.Sums) > 0) {
			t.Fatalf("%v, %v", s, ok)
		}
	})
}

func BenchmarkSample(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	code := make([]byte, 4<<20)
	for i := range code {
		code[i] = byte(rng.Uint32())
	}
	b.SetBytes(int64(len(code)))
	for b.Loop() {
		sampleCode(nil, code)
	}
}
