package compare

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nix-community/go-nix/pkg/nar"
	"golang.org/x/sys/unix"
)

// bigNAR writes a NAR of about size bytes, of files of the sizes in turn. Of
// the files whose number differ picks, the last byte is another.
func bigNAR(b *testing.B, size int64, sizes []int64, differ func(i int) bool) Opener {
	b.Helper()
	f, err := os.CreateTemp(b.TempDir(), "nar-")
	if err != nil {
		b.Fatal(err)
	}
	buf := bufio.NewWriterSize(f, 1<<20)
	w, err := nar.NewWriter(buf)
	if err != nil {
		b.Fatal(err)
	}
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	must(w.WriteHeader(&nar.Header{Path: "/", Type: nar.TypeDirectory}))
	block := make([]byte, 16<<20)
	for i := range block {
		block[i] = byte(i*i>>7 ^ i>>13)
	}
	for i, done := 0, int64(0); done < size; i++ {
		n := sizes[i%len(sizes)]
		must(w.WriteHeader(&nar.Header{Path: fmt.Sprintf("/f%07d", i), Type: nar.TypeRegular, Size: n}))
		block[0] = byte(i)
		if differ(i) {
			block[n-1] ^= 1
		}
		_, err := w.Write(block[:n])
		must(err)
		if differ(i) {
			block[n-1] ^= 1
		}
		done += n
	}
	must(w.Close())
	must(buf.Flush())
	must(f.Close())
	return func(context.Context) (io.ReadCloser, error) { return os.Open(f.Name()) }
}

// readAndHash is the least that a comparison by hash must do: NARs read and
// hashed.
func readAndHash(b *testing.B, open Opener) {
	rc, err := open(context.Background())
	if err == nil {
		_, err = io.CopyBuffer(struct{ io.Writer }{sha256.New()}, struct{ io.Reader }{rc}, make([]byte, 256<<10))
		err = errors.Join(err, rc.Close())
	}
	if err != nil {
		b.Error(err)
	}
}

// cost is what something took: time, and processor time of the system and of
// its user.
type cost struct{ wall, cpu time.Duration }

func (c *cost) add(f func()) {
	cpu := func() time.Duration {
		var u unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_SELF, &u) // fails for no process of one's own
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	t, before := time.Now(), cpu()
	f()
	c.wall += time.Since(t)
	c.cpu += cpu() - before
}

// BenchmarkNARs compares two NARs of 1 GB (256 MB with -short): equal ones,
// ones that differ in the first, the middle or the last file, in one file of
// fifty, and the same for small files. It reports the time over that of reading
// and hashing both in the same run, on two cores and one after the other, the
// processor time over theirs, and the peak of memory that the Go runtime has
// got from the system.
func BenchmarkNARs(b *testing.B) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 256 << 20
	}
	mixed, tree := []int64{1 << 10, 30 << 10, 200 << 10, 4 << 20, 16 << 20}, []int64{300, 2 << 10, 5 << 10, 17 << 10}
	none := func(int) bool { return false }
	last := int(size/(4<<20+16<<20+231<<10)*5) - 3
	for _, bb := range []struct {
		name   string
		sizes  []int64
		differ func(int) bool
	}{
		{"same", mixed, none},
		{"first", mixed, func(i int) bool { return i == 0 }},
		{"middle", mixed, func(i int) bool { return i == last/2 }},
		{"last", mixed, func(i int) bool { return i == last }},
		{"some", mixed, func(i int) bool { return i%50 == 7 }},
		{"tree", tree, none},
		{"tree-first", tree, func(i int) bool { return i == 0 }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			one, two := bigNAR(b, size, bb.sizes, none), bigNAR(b, size, bb.sizes, bb.differ)
			both := func() {
				var wg sync.WaitGroup
				wg.Go(func() { readAndHash(b, one) })
				wg.Go(func() { readAndHash(b, two) })
				wg.Wait()
			}
			both() // warm
			var ours, parallel, sequential cost
			b.SetBytes(2 * size)
			for b.Loop() {
				parallel.add(both)
				sequential.add(func() { readAndHash(b, one); readAndHash(b, two) })
				ours.add(func() {
					r, err := NARs(context.Background(), one, two, Options{})
					if err != nil || r.Equal() != (bb.name == "same" || bb.name == "tree") {
						b.Fatal(r, err)
					}
				})
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(ours.wall)/float64(parallel.wall), "x-parallel")
			b.ReportMetric(float64(ours.wall)/float64(sequential.wall), "x-sequential")
			b.ReportMetric(float64(ours.cpu)/float64(sequential.cpu), "x-cpu")
			b.ReportMetric(float64(m.Sys)/(1<<20), "MB-peak")
		})
	}
}
