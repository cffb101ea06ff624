package compare

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nix-community/go-nix/pkg/nar"
)

// bigNAR writes a NAR of about size bytes, of files of 1 kB to 16 MB. Some are
// of other content where salt is another.
func bigNAR(b *testing.B, size int64, salt byte) Opener {
	b.Helper()
	name := filepath.Join(b.TempDir(), fmt.Sprintf("nar-%d", salt))
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	w, err := nar.NewWriter(f)
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
	sizes := []int64{1 << 10, 30 << 10, 200 << 10, 4 << 20, 16 << 20}
	for i, done := 0, int64(0); done < size; i++ {
		n := sizes[i%len(sizes)]
		must(w.WriteHeader(&nar.Header{Path: fmt.Sprintf("/f%06d", i), Type: nar.TypeRegular, Size: n}))
		block[0] = byte(i)
		if i%50 == 7 {
			block[n-1] ^= salt
		}
		_, err := w.Write(block[:n])
		must(err)
		if i%50 == 7 {
			block[n-1] ^= salt
		}
		done += n
	}
	must(w.Close())
	must(f.Close())
	return func(context.Context) (io.ReadCloser, error) { return os.Open(name) }
}

// readAndHash is the least that a comparison by hash must do: both NARs read
// and hashed, on two cores.
func readAndHash(b *testing.B, opens ...Opener) {
	var wg sync.WaitGroup
	for _, open := range opens {
		wg.Go(func() {
			rc, err := open(context.Background())
			if err == nil {
				_, err = io.CopyBuffer(struct{ io.Writer }{sha256.New()}, struct{ io.Reader }{rc}, make([]byte, 256<<10))
				err = errors.Join(err, rc.Close())
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

// BenchmarkNARs compares two NARs of 1 GB (256 MB with -short). It reports the
// time over that of reading and hashing both in the same run, and the peak of
// memory that the Go runtime has got from the system.
func BenchmarkNARs(b *testing.B) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 256 << 20
	}
	one, two := bigNAR(b, size, 0), bigNAR(b, size, 1)
	for _, bb := range []struct {
		name string
		a, b Opener
	}{{"same", one, one}, {"differ", one, two}} {
		b.Run(bb.name, func(b *testing.B) {
			readAndHash(b, bb.a, bb.b) // warm
			var ours, theirs time.Duration
			b.SetBytes(2 * size)
			for b.Loop() {
				t := time.Now()
				readAndHash(b, bb.a, bb.b)
				theirs += time.Since(t)
				t = time.Now()
				r, err := NARs(context.Background(), bb.a, bb.b, Options{})
				ours += time.Since(t)
				if err != nil || r.Equal() != (bb.name == "same") {
					b.Fatal(r, err)
				}
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(ours)/float64(theirs), "x-read+hash")
			b.ReportMetric(float64(m.Sys)/(1<<20), "MB-peak")
		})
	}
}
