package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/stream"
)

// walk reads everything that a reader gives, up to bounds that no small input
// may exceed by itself: the walker's meters stop it there.
func walk(r archive.Reader) (names []string, total int64) {
	for len(names) < 10_000 && total < 64<<20 {
		e, err := r.Next()
		if err != nil {
			break
		}
		if len(e.Name) > archive.MaxName {
			panic(fmt.Sprintf("a name of %d bytes", len(e.Name)))
		}
		names = append(names, e.Name)
		var src io.Reader
		switch {
		case !e.Regular:
			continue
		case e.Body != nil:
			src = e.Body
		default:
			src = e.Source
		}
		n, _ := io.Copy(io.Discard, io.LimitReader(src, 64<<20)) // a read error ends the member
		total += n
		if e.Body != nil && n > e.Size {
			panic(fmt.Sprintf("%q of %d bytes gave %d", e.Name, e.Size, n))
		}
	}
	return names, total
}

// forward fuzzes a reader of streams: it ends, and says the same again.
func forward(f *testing.F, open func(*stream.In) archive.Reader) {
	f.Fuzz(func(t *testing.T, b []byte) {
		in := stream.New(bytes.NewReader(b), -1)
		defer in.Close()
		names, total := walk(open(in))
		again := stream.New(bytes.NewReader(b), int64(len(b)))
		defer again.Close()
		names2, total2 := walk(open(again))
		if len(names) != len(names2) || total != total2 {
			t.Errorf("%d entries of %d bytes, and with the size known %d of %d", len(names), total, len(names2), total2)
		}
	})
}

func tarSeed(f *testing.F, format tar.Format, name string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Size: 5, Mode: 0o755, Format: format}); err != nil {
		f.Fatal(err)
	}
	if _, err := w.Write([]byte("hello")); err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	return b.Bytes()
}

func FuzzTar(f *testing.F) {
	long := "d/" + string(bytes.Repeat([]byte("n"), 200))
	f.Add(tarSeed(f, tar.FormatUSTAR, "a"))
	f.Add(tarSeed(f, tar.FormatGNU, long))
	f.Add(tarSeed(f, tar.FormatPAX, long))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := stream.New(bytes.NewReader(b), -1)
		defer in.Close()
		names, _ := walk(archive.NewTar(in))
		// What the standard library reads without an error, we read as well.
		want := 0
		for r := tar.NewReader(bytes.NewReader(b)); ; want++ {
			h, err := r.Next()
			if err != nil || h.Size > 1<<20 || len(h.PAXRecords) > 0 {
				break
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				break
			}
		}
		if len(names) < want {
			t.Errorf("%d entries, the standard library has %d", len(names), want)
		}
	})
}

func FuzzAr(f *testing.F) {
	h := func(name string, n int) string {
		return fmt.Sprintf("%-16s%-12d%-6d%-6d%-8d%-10d`\n", name, 0, 0, 0, 644, n)
	}
	f.Add([]byte("!<arch>\n" + h("a.o/", 3) + "abc\n" + h("b.o/", 0)))
	f.Add([]byte("!<arch>\n" + h("//", 12) + "long-name.o/" + h("/0", 2) + "ab"))
	f.Add([]byte("!<arch>\n" + h("#1/8", 10) + "name.o\x00\x00ab"))
	f.Add([]byte("!<thin>\n" + h("a.o/", 300)))
	forward(f, func(in *stream.In) archive.Reader { return archive.NewAr(in) })
}

func FuzzCpio(f *testing.F) {
	newc := func(name string, mode, size int) string {
		s := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0) + name + "\x00"
		return s + "\x00\x00\x00"[:-len(s)&3]
	}
	f.Add([]byte(newc("a", 0o100755, 4) + "abcd" + newc("TRAILER!!!", 0, 0)))
	f.Add([]byte(fmt.Sprintf("070707%06o%06o%06o%06o%06o%06o%06o%011o%06o%011o", 0, 0, 0o100644, 0, 0, 1, 0, 0, 2, 3) + "a\x00abc"))
	f.Add([]byte("\xc7\x71\x00\x00\x00\x00\xa4\x81\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x02\x00a\x00ab"))
	forward(f, func(in *stream.In) archive.Reader { return archive.NewCpio(in) })
}

func FuzzNar(f *testing.F) {
	s := func(words ...string) []byte {
		var b []byte
		for _, w := range words {
			b = append(b, byte(len(w)), 0, 0, 0, 0, 0, 0, 0)
			b = append(b, w...)
			b = append(b, make([]byte, -len(w)&7)...)
		}
		return b
	}
	f.Add(s("nix-archive-1", "(", "type", "regular", "executable", "", "contents", "hello", ")"))
	f.Add(s("nix-archive-1", "(", "type", "directory", "entry", "(", "name", "a", "node", "(", "type", "symlink", "target", "b", ")", ")",
		"entry", "(", "name", "d", "node", "(", "type", "directory", "entry", "(", "name", "e", "node", "(", "type", "regular", ")", ")", ")", ")", ")"))
	forward(f, func(in *stream.In) archive.Reader { return archive.NewNar(in) })
}

func FuzzRPM(f *testing.F) {
	f.Add(append(append(make([]byte, 96), "\x8e\xad\xe8\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...), "\x8e\xad\xe8\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x04aaaabbbbccccddddeeee"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := stream.New(bytes.NewReader(b), int64(len(b)))
		defer in.Close()
		given := 0
		err := archive.RPM(in, func(_ string, b []byte) { given += len(b) })
		if err == nil && in.Off() < 128 {
			t.Errorf("headers of %d bytes", in.Off())
		}
		if given > 4*len(b) {
			t.Errorf("%d bytes given of %d", given, len(b))
		}
	})
}

func FuzzZipStream(f *testing.F) {
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		m, err := w.CreateHeader(&zip.FileHeader{Name: "a/b", Method: method})
		if err != nil {
			f.Fatal(err)
		}
		if _, err := m.Write(bytes.Repeat([]byte("hello"), 100)); err != nil {
			f.Fatal(err)
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(_ *testing.T, b []byte) { walk(archive.NewZipStream(bufio.NewReader(bytes.NewReader(b)))) })
}

func FuzzLzw(f *testing.F) {
	f.Add([]byte("\x1f\x9d\x90\x68\xca\xb0\x61\xf3\x06"))
	f.Add([]byte("\x1f\x9d\x0c\x61\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := archive.NewLzw(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		// A code of at least nine bits gives at most 65,536 bytes.
		n, err := io.Copy(io.Discard, z)
		if n > int64(len(b))*8/9<<16 {
			t.Errorf("%d bytes of %d", n, len(b))
		}
		if err == nil && errors.Is(err, io.EOF) {
			t.Error("the end is no error of io.Copy")
		}
	})
}

func FuzzLzop(f *testing.F) {
	for _, args := range []string{"-1", "-9 --crc32", "--no-checksum"} {
		f.Add(image(f, "lzop -q "+args+" -c t/d/a-long-name.text > out; cat out out > two; mv two out"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := archive.NewLzop(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		// A block of at most 4 MiB has a header of eight bytes.
		if n, _ := io.Copy(io.Discard, z); n > int64(len(b)/8)<<22 {
			t.Errorf("%d bytes of %d", n, len(b))
		}
	})
}
