package archive_test

import (
	"archive/zip"
	"bytes"
	"strconv"
	"testing"

	"fromsource/analyze/content/archive"
)

// FuzzZipDirectory: entries lie in the archive, and what they and the directory
// cover and the gaps are all of it, once.
func FuzzZipDirectory(f *testing.F) {
	for _, comment := range []string{"", "words", string(bytes.Repeat([]byte("words "), 100))} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for i := range 3 {
			m, err := w.CreateHeader(&zip.FileHeader{Name: "a/" + strconv.Itoa(i), Method: uint16(8 * (i & 1)), Comment: comment, Extra: []byte(comment)})
			if err != nil {
				f.Fatal(err)
			}
			if _, err := m.Write([]byte("hello")); err != nil {
				f.Fatal(err)
			}
		}
		if err := w.SetComment(comment); err != nil {
			f.Fatal(err)
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
		f.Add(append([]byte("#!/bin/sh\n"), b.Bytes()...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		size := int64(len(b))
		z, err := archive.NewZip(bytes.NewReader(b), size)
		if err != nil {
			return
		}
		for n := int64(0); ; n++ {
			e, err := z.Next()
			if err != nil {
				break
			}
			if n > size/46 || !e.Lost && (e.At < 30 || e.Packed < 0 || e.At+e.Packed > size) || e.Lost && e.Note == "" {
				t.Fatalf("entry %d of %d bytes: %+v", n, size, e)
			}
			if !e.Lost {
				z.Cover().Add(e.At, e.Packed)
			}
		}
		gaps, ok := z.Cover().Gaps(size)
		if !ok {
			t.Fatal("too many spans")
		}
		for _, g := range gaps {
			z.Cover().Add(g.Off, g.Len)
		}
		if left, _ := z.Cover().Gaps(size); len(left) > 0 {
			t.Errorf("%v are neither covered nor gaps: %v", left, gaps)
		}
	})
}

// FuzzCover: of spans in any order the gaps are what a map of bytes says.
func FuzzCover(f *testing.F) {
	f.Add([]byte{3, 4, 0, 2, 5, 9, 200, 100})
	f.Fuzz(func(t *testing.T, b []byte) {
		var c archive.Cover
		var taken [256]bool
		for ; len(b) >= 2; b = b[2:] {
			c.Add(int64(b[0]), int64(b[1]))
			for i := int(b[0]); i < min(256, int(b[0])+int(b[1])); i++ {
				taken[i] = true
			}
		}
		gaps, _ := c.Gaps(256)
		last := int64(-1)
		for _, g := range gaps {
			if g.Off <= last || g.Len <= 0 {
				t.Errorf("%v", gaps)
			}
			last = g.Off + g.Len
			for i := g.Off; i < last; i++ {
				if taken[i] {
					t.Errorf("byte %d is in a gap and was taken", i)
				}
				taken[i] = true
			}
		}
		for i := range taken {
			if !taken[i] {
				t.Errorf("byte %d is in no gap and was not taken", i)
			}
		}
	})
}

// A cover of too many pieces says so, one that can be joined does not.
func TestCoverIsBounded(t *testing.T) {
	var c, d archive.Cover
	for i := int64(0); i < 1<<19; i++ {
		c.Add(2*i, 1)
		d.Add(2*(i&^1)+(1-i&1)*2, 2)
	}
	if gaps, ok := c.Gaps(1 << 20); ok {
		t.Errorf("%d gaps", len(gaps))
	}
	if gaps, ok := d.Gaps(1 << 20); !ok || len(gaps) != 0 {
		t.Errorf("%v, %v", gaps, ok)
	}
}
