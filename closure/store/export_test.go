package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var contextT = context.Background()

// A stream that is cut anywhere keeps the paths before the cut, and says
// where it ends.
func TestExportTruncated(t *testing.T) {
	n := newNix(t)
	a := strings.TrimSpace(n.run("nix-store", "--add", n.write("a", "contents")))
	b := strings.TrimSpace(n.run("nix-store", "--add", n.write("b", "of two files")))
	whole := n.run("nix-store", "--export", a, b)
	last := 0
	for cut := range len(whole) {
		e, err := OpenExport(n.write("cut", whole[:cut]))
		var bad *FormatError
		if err != nil {
			if !errors.As(err, &bad) || bad.Offset > int64(cut) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			continue
		}
		if e.Damage() == nil || e.Damage().Offset > int64(cut) || len(e.Paths()) < last {
			t.Fatalf("cut at %d: %v, %q", cut, e.Damage(), e.Paths())
		}
		last = len(e.Paths())
		e.Close()
	}
	if last != 2 {
		t.Errorf("%d paths before the last cut", last)
	}
	for offset := 0; offset < len(whole); offset += 8 {
		changed := []byte(whole)
		changed[offset] ^= 0x40
		if e, err := OpenExport(n.write("changed", string(changed))); err == nil {
			e.Close()
		}
	}
}

func TestOpenRandom(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenRandom(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := OpenExport(dir + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	if _, err := OpenExport(os.DevNull); err == nil || !strings.Contains(err.Error(), "byte 0") {
		t.Errorf("an empty stream: %v", err)
	}
}

// A directory that is 2,000 deep: neither writing nor reading a NAR recurses.
func TestDeepTree(t *testing.T) {
	const depth = 2000
	var b []byte
	str := func(l ...string) {
		for _, s := range l {
			b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
			b = append(b, s...)
			b = append(b, make([]byte, padding(int64(len(s))))...)
		}
	}
	str("nix-archive-1")
	for range depth {
		str("(", "type", "directory", "entry", "(", "name", "d", "node")
	}
	str("(", "type", "regular", "contents", "", ")")
	for range depth {
		str(")", ")")
	}
	s := newSkimmer("deep", bytes.NewReader(b), int64(len(b)))
	if off, _ := s.nar(); s.err != nil || off != -1 || s.pos != int64(len(b)) {
		t.Fatalf("%v after %d of %d bytes", s.err, s.pos, len(b))
	}
	// On disk as deep as a path may be long.
	top := t.TempDir()
	p := top
	for len(p) < 3900 {
		p = filepath.Join(p, "d")
	}
	if err := os.MkdirAll(p, 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := Dump(top)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, n, err := HashNAR(r); err != nil || n == 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// The skimmer never passes the end of its input, and finds an end that is one:
// with it the NAR is whole, without its last byte it is not.
func FuzzSkim(f *testing.F) {
	dir := f.TempDir()
	for _, name := range []string{"d/x", "d/e/y"} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(name), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	_ = os.Symlink("x", filepath.Join(dir, "d", "z"))
	for _, p := range []string{"d", "d/x", "d/z", "d/e"} {
		r, err := Dump(filepath.Join(dir, p))
		if err != nil {
			f.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := newSkimmer("in", bytes.NewReader(in), int64(len(in)))
		off, size := s.nar()
		if s.err == nil && (s.pos > int64(len(in)) || off >= 0 && off+size > s.pos) {
			t.Fatalf("at %d of %d, file at %d of %d", s.pos, len(in), off, size)
		}
		var bad *FormatError
		if s.err != nil && (!errors.As(s.err, &bad) || bad.Offset > int64(len(in)) || off != -1) {
			t.Fatal(s.err)
		}
		if s.err != nil {
			return
		}
		// What follows does not matter, what belongs to it does.
		for end, want := range map[int64]bool{s.pos: true, s.pos - 1: false} {
			again := newSkimmer("in", bytes.NewReader(in[:end]), end)
			if o, n := again.nar(); (again.err == nil) != want || want && (o != off || n != size || again.pos != end) {
				t.Fatalf("cut at %d of %d: %v", end, s.pos, again.err)
			}
		}
	})
}

func FuzzNarInfo(f *testing.F) {
	f.Add(record("nar/x.nar") + "Sig: a:b\nCA: fixed:r:sha256:x\nDeriver: x.drv\nFileHash: sha256:x\nFileSize: 3\n")
	f.Fuzz(func(t *testing.T, text string) {
		info, err := parseNarInfo(text, "/nix/store")
		if err != nil {
			return
		}
		if _, _, err := splitPath(info.Path); err != nil || info.URL == "" || info.NarSize <= 0 || !strings.Contains(info.NarHash, "-") {
			t.Fatalf("%+v", info)
		}
		if _, err := info.Fingerprint(); err != nil {
			t.Fatal(err)
		}
	})
}

// An export's index only ever holds paths that lie within the stream.
func FuzzExport(f *testing.F) {
	var b []byte
	str := func(l ...string) {
		for _, s := range l {
			b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
			b = append(b, s...)
			b = append(b, make([]byte, padding(int64(len(s))))...)
		}
	}
	num := func(n uint64) { b = binary.LittleEndian.AppendUint64(b, n) }
	num(1)
	str("nix-archive-1", "(", "type", "regular", "executable", "", "contents", "hello", ")")
	num(exportMagic)
	str(wanted)
	num(1)
	str(wanted, "")
	num(0)
	num(0)
	f.Add(bytes.Clone(b))
	f.Fuzz(func(t *testing.T, in []byte) {
		e := &Export{entries: make(map[string]*exported)}
		s := newSkimmer("in", bytes.NewReader(in), int64(len(in)))
		for e.next(s) {
		}
		for p, x := range e.entries {
			if _, _, err := splitPath(p); err != nil {
				t.Fatal(err)
			}
			if x.start < 0 || x.end > int64(len(in)) || x.start >= x.end || x.file >= 0 && (x.file < x.start || x.file+x.size > x.end) {
				t.Fatalf("%s: %d to %d of %d, file at %d of %d", p, x.start, x.end, len(in), x.file, x.size)
			}
		}
	})
}
