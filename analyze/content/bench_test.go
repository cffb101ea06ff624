package content_test

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/bzip2"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"golang.org/x/sys/unix"

	"fromsource/analyze/content"
)

// corpus packs part of the Go distribution's source with the real tools, once
// more with the compiled objects that are in it. Test data is left out: there are archives in it, and
// only the one side would open those.
func corpus(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	goroot := string(run(b, dir, "go", "env", "GOROOT"))
	goroot = goroot[:len(goroot)-1]
	run(b, dir, "tar", "--sort=name", "--exclude=testdata", "--exclude=*.pgo", "--exclude=*.syso", "-cf", "go.tar", "-C", goroot, "src/cmd", "src/runtime", "src/net", "src/crypto")
	run(b, dir, "tar", "--sort=name", "--exclude=testdata", "--exclude=*.pgo", "-cf", "objects.tar", "-C", goroot, "src/cmd", "src/runtime", "src/net", "src/crypto")
	run(b, dir, "gzip", "-k", "go.tar", "objects.tar")
	run(b, dir, "xz", "-k", "-T1", "-1", "go.tar")
	run(b, dir, "bzip2", "-k", "-1", "go.tar")
	run(b, dir, "zstd", "-q", "-k", "go.tar")
	run(b, goroot, "zip", "-q", "-r", filepath.Join(dir, "go.zip"), "src/cmd", "src/runtime", "src/net", "src/crypto", "-x", "*/testdata/*", "*.pgo", "*.syso")
	return dir
}

// walkTar reads every file of a tar archive and does nothing with it.
func walkTar(r io.Reader) error {
	t := tar.NewReader(r)
	for {
		if _, err := t.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, t); err != nil {
			return err
		}
	}
}

// walkOnly decompresses and walks with the decompressors that the package uses,
// and does nothing else.
func walkOnly(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	src := bufio.NewReaderSize(f, 256<<10)
	var r io.Reader = src
	switch filepath.Ext(path) {
	case ".gz":
		r, err = gzip.NewReader(src)
	case ".xz":
		r, err = xz.NewReader(src, 64<<20)
	case ".bz2":
		r = bzip2.NewReader(src)
	case ".zst":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)); err == nil {
			defer d.Close()
		}
		r = d
	case ".zip":
		return walkZip(f)
	}
	if err != nil {
		return err
	}
	return walkTar(bufio.NewReaderSize(r, 256<<10))
}

func walkZip(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		return err
	}
	z.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser { return flate.NewReader(r) })
	for _, m := range z.File {
		r, err := m.Open()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
		if err := r.Close(); err != nil {
			return err
		}
	}
	return nil
}

// cpu is the processor time of this process: the machine may be busy.
func cpu(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// archives are the benchmark's corpus.
var archives = []string{"go.tar", "go.tar.gz", "go.tar.xz", "go.tar.bz2", "go.tar.zst", "go.zip", "objects.tar", "objects.tar.gz"}

// BenchmarkInspect compares an inspection with only decompressing and walking
// the same archive, on one processor and in turns: "ratio" is the processor
// time of the one over that of the other, of the fastest of each, because
// what else the machine does only ever adds to it, and with nothing left over
// of the one to be collected in the other. It is of what is asked of
// `fromsource inspect`, which compiled files there are, and is to be at most
// 1.3 in each format; "hashed-ratio" has the hashes of them and of their parts
// besides, as the audit needs them: "objects" is a fifth compiled code, of
// which every byte is then hashed twice.
func BenchmarkInspect(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	dir := corpus(b)
	for _, name := range archives {
		path := filepath.Join(dir, name)
		b.Run(name, func(b *testing.B) {
			const never = time.Duration(1 << 62)
			ours, hashed, walk := never, never, never
			inspect := func(o content.Options) time.Duration {
				runtime.GC()
				start := cpu(b)
				res, err := content.InspectFile(context.Background(), path, o)
				if err != nil || len(res.Members) == 0 && name[0] == 'o' {
					b.Fatalf("%d members, %v", len(res.Members), err)
				}
				b.SetBytes(res.Bytes)
				return cpu(b) - start
			}
			for b.Loop() {
				runtime.GC()
				start := cpu(b)
				if err := walkOnly(path); err != nil {
					b.Fatal(err)
				}
				walk = min(walk, cpu(b)-start)
				ours = min(ours, inspect(content.Options{Unhashed: true}))
				hashed = min(hashed, inspect(content.Options{}))
			}
			b.ReportMetric(0, "ns/op") // the processor times say more
			b.ReportMetric(ours.Seconds()/walk.Seconds(), "ratio")
			b.ReportMetric(hashed.Seconds()/walk.Seconds(), "hashed-ratio")
			b.ReportMetric(walk.Seconds()*1e3, "walk-ms")
			b.ReportMetric(ours.Seconds()*1e3, "inspect-ms")
		})
	}
}
