package content

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// decoded is what comes of a stream, of which up to 4 MiB are looked at.
func decoded(name string, b []byte) (out []byte, failure string) {
	w := newWalker(context.Background(), Options{})
	defer w.release()
	r, done, err := codecs[name].open(w, bufio.NewReaderSize(bytes.NewReader(b), 64<<10))
	if err == nil {
		out, err = io.ReadAll(io.LimitReader(r, 4<<20))
		done()
	}
	if w.arena.account.held != 0 || w.arena.account.windows != 0 {
		panic(fmt.Sprintf("%d bytes are held", w.arena.account.held))
	}
	if err != nil {
		failure = err.Error()
	}
	return out, failure
}

// tool packs with the program of a format.
func tool(t testing.TB, b []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = bytes.NewReader(b)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out
}

// packed are streams of each kind of block and table that a format has.
func packed(t testing.TB, name string) (out [][]byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	text := func(n, letters int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('a' + min(r.IntN(letters), r.IntN(letters)))
		}
		return b
	}
	long := append(text(100<<10, 20), text(70<<10, 5)...)
	texts := [][]byte{text(40, 5), text(3000, 4), text(3000, 90), bytes.Repeat(text(50, 26), 60), make([]byte, 5000), append(long, long[:50<<10]...)}
	args := map[string][][]string{
		"zstd":  {{"zstd", "-qc"}, {"zstd", "-qc", "--ultra", "-22", "--no-check"}, {"zstd", "-qc", "--fast=9"}},
		"xz":    {{"xz", "-c"}, {"xz", "-0c", "--check=none"}, {"xz", "-c", "--x86", "--delta=dist=3", "--lzma2=lc=0,lp=2,pb=0"}, {"xz", "-c", "--block-size=1000"}},
		"lz4":   {{"lz4", "-qc"}, {"lz4", "-qc9BD"}, {"lz4", "-qc", "-l"}},
		"bzip2": {{"bzip2", "-c"}},
		"lzma":  {{"xz", "-c", "--format=lzma"}},
	}
	for _, a := range args[name] {
		for _, b := range texts {
			out = append(out, tool(t, b, a...))
		}
	}
	return append(out, bytes.Join(out[:3], nil))
}

// seeds are those of packed that a fuzzer has a use for.
func seeds(f *testing.F, name string) [][]byte {
	return slices.DeleteFunc(packed(f, name), func(b []byte) bool { return len(b) > 8<<10 })
}

// TestSame: what comes of a broken stream does not depend on what a decoder read
// before.
func TestSame(t *testing.T) {
	for _, name := range []string{"zstd", "xz", "lz4", "bzip2", "lzma"} {
		t.Run(name, func(t *testing.T) {
			whole := packed(t, name)
			befores := append(whole[len(whole)-2:], whole[0], whole[2], whole[5], whole[len(whole)/2])
			r := rand.New(rand.NewPCG(3, 4))
			failed := map[string]bool{}
			for n := range 100 {
				b := broken(r, whole[n%len(whole)])
				want, why := decoded(name, b)
				failed[why] = true
				for k := range 3 {
					before := befores[r.IntN(len(befores))]
					if k == 2 { // one that ends anywhere
						before = broken(r, before)
					}
					decoded(name, before)
					if got, failure := decoded(name, b); !bytes.Equal(got, want) || failure != why {
						t.Fatalf("%d bytes, %q; %d bytes, %q before\n%x", len(got), failure, len(want), why, b)
					}
				}
			}
			if len(failed) < 3 {
				t.Errorf("they all fail with one of %v", failed)
			}
		})
	}
}

// FuzzSame is TestSame of any streams.
func FuzzSame(f *testing.F) {
	names := []string{"zstd", "xz", "lz4"}
	for i, name := range names {
		all := seeds(f, name)
		for k, b := range all {
			f.Add(uint8(i), all[(k+1)%len(all)], b)
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, before, b []byte) {
		name := names[int(i)%len(names)]
		want, why := decoded(name, b)
		decoded(name, before)
		if got, failure := decoded(name, b); !bytes.Equal(got, want) || failure != why {
			t.Errorf("%d bytes, %q; %d bytes, %q before", len(got), failure, len(want), why)
		}
	})
}

// broken changes some bytes of a stream, or cuts it off.
func broken(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	near := len(b)
	if r.IntN(2) == 0 {
		near = min(near, 40) // where tables are
	}
	for range 1 + r.IntN(3) {
		switch r.IntN(4) {
		case 0:
			b[r.IntN(near)] = byte(r.Uint32())
		case 1:
			b[r.IntN(near)] ^= 1 << r.IntN(8)
		case 2:
			b[r.IntN(near)] += byte(r.IntN(3)) - 1
		default:
			if r.IntN(4) == 0 {
				b = b[:1+r.IntN(len(b))]
				near = min(near, len(b))
			}
		}
	}
	return b
}

// FuzzZstd: of any stream comes what the library makes of it, up to what is no
// frame; and no more is accounted for than may be.
func FuzzZstd(f *testing.F) {
	for _, b := range seeds(f, "zstd") {
		f.Add(b)
	}
	f.Add([]byte("\x50\x2a\x4d\x18\x01\x00\x00\x00x\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, failure := decoded("zstd", b)
		z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(32<<20))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		want, err := io.ReadAll(io.LimitReader(z, 4<<20))
		switch {
		case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
			want = want[:min(len(got), len(want))] // of a frame that is smaller than it says
			got = got[:len(want)]
		case errors.Is(err, zstd.ErrMagicMismatch) && len(want) > 0:
			err = nil // what follows is looked at by itself
		}
		if !bytes.Equal(got, want) || err == nil && failure != "" {
			t.Errorf("%d bytes, %q; the library has %d, %v", len(got), failure, len(want), err)
		}
	})
}

// FuzzXz is FuzzZstd of xz.
func FuzzXz(f *testing.F) {
	for _, b := range seeds(f, "xz") {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, failure := decoded("xz", b)
		var want []byte
		z, err := xz.NewReader(bytes.NewReader(b), 32<<20)
		if err == nil {
			want, err = io.ReadAll(io.LimitReader(z, 4<<20))
		}
		if errors.Is(err, xz.ErrMemlimit) {
			return
		}
		if why := fmt.Sprint(err); !bytes.Equal(got, want) || (err != nil || failure != "") && why != failure {
			t.Errorf("%d bytes, %q; the library has %d, %v", len(got), failure, len(want), err)
		}
	})
}

// TestWindows: a frame and a block have the dictionary that they can fill, each
// of those that follow each other its own, and one that is too large is told.
func TestWindows(t *testing.T) {
	small, large := []byte("some text and more"), bytes.Repeat([]byte("0123456789abcdef"), 3<<20>>4)
	r := rand.New(rand.NewPCG(5, 6))
	for i := 0; i < len(large); i += 16 {
		large[i] = byte(r.Uint32())
	}
	wide := []string{"zstd", "-qc", "--ultra", "-20", "--long=27"}
	xz64, xz1 := []string{"xz", "-c", "--lzma2=preset=0,dict=64MiB"}, []string{"xz", "-0c"}
	for _, c := range []struct {
		name, codec string
		held        int64 // at most
		parts       [][]byte
	}{
		{"small", "zstd", tinyWindow, [][]byte{tool(t, small, wide...)}},
		{"large", "zstd", 128 << 20, [][]byte{tool(t, large, wide...)}},
		{"small and large", "zstd", 128 << 20, [][]byte{tool(t, small, wide...), []byte("\x5a\x2a\x4d\x18\x02\x00\x00\x00ab"), tool(t, large, wide...), tool(t, small, "zstd", "-qc")}},
		{"small", "xz", tinyWindow, [][]byte{tool(t, small, xz64...)}},
		{"large", "xz", 64 << 20, [][]byte{tool(t, large, xz64...)}},
		{"small and large", "xz", 64 << 20, [][]byte{tool(t, small, xz1...), make([]byte, 8), tool(t, large, xz64...), tool(t, small, xz1...)}},
		{"blocks", "xz", tinyWindow, [][]byte{tool(t, large, "xz", "-c", "--lzma2=preset=0,dict=64MiB", "--block-size=100000")}},
	} {
		t.Run(c.codec+" "+c.name, func(t *testing.T) {
			w := newWalker(context.Background(), Options{})
			defer w.release()
			b := bytes.Join(c.parts, nil)
			r, done, err := codecs[c.codec].open(w, bufio.NewReaderSize(bytes.NewReader(b), 64<<10))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if want := tool(t, b, c.codec, "-dc", map[string]string{"zstd": "--long=27", "xz": "-q"}[c.codec]); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
			}
			if held := w.arena.account.held; held > c.held || c.held > tinyWindow && held <= smallWindow {
				t.Errorf("%d bytes were accounted for, want %d", held, c.held)
			}
			done()
			if held := w.arena.account.held; held != 0 {
				t.Errorf("%d bytes are held", held)
			}
		})
	}
	// A frame that claims 2 GiB: one that is whole, one that goes on.
	head := "\x28\xb5\x2f\xfd\x00\xa8"
	if got, failure := decoded("zstd", []byte(head+"\x19\x00\x00abc")); string(got) != "abc" || failure != "" {
		t.Errorf("%q, %s", got, failure)
	}
	long := append([]byte(head), bytes.Repeat([]byte("\x00\x00\x08\x00"), 1)...) // a block of 64 KiB
	if _, failure := decoded("zstd", append(long, make([]byte, 70<<10)...)); !strings.Contains(failure, "a dictionary of 2048 MiB") {
		t.Error(failure)
	}
}
