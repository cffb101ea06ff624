package rules

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fromsource/closure"
)

// BenchmarkClosure measures all that text alone tells of a closure (load,
// graph, Extract and Judge) against two peers, in turn in the same run: Nix
// reading and printing the same closure, and only reading the same files into
// one buffer, by as many goroutines as ours has and by one. What counts are
// the ratios of the medians.
//
// FROMSOURCE_DRV names a root derivation in the machine's store. Without it
// Nix makes closures of growing size, of which ns/drv must not grow.
func BenchmarkClosure(b *testing.B) {
	if drv := os.Getenv("FROMSOURCE_DRV"); drv != "" {
		compare(b, drv, "")
		return
	}
	root := b.TempDir()
	for _, count := range []int{2_000, 10_000, 50_000} {
		drv := nix(b, "nix-instantiate", "--store", "local?root="+root, "testdata/bench.nix", "--arg", "count", strconv.Itoa(count))
		b.Run(strconv.Itoa(count), func(b *testing.B) { compare(b, drv, root) })
	}
}

// nix runs a command of Nix and returns its last line.
func nix(b *testing.B, name string, args ...string) string {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "NIX_CONFIG=experimental-features = nix-command\nsandbox = false\nbuild-users-group =\nfsync-metadata = false")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	lines := strings.Fields(string(out))
	return lines[len(lines)-1]
}

func compare(b *testing.B, drv, root string) {
	g, err := closure.Load(context.Background(), closure.DrvInput(drv, root), closure.Options{}) // also fills the page cache
	if err != nil {
		b.Fatal(err)
	}
	files := make([]string, g.Len())
	for i := range files {
		files[i] = filepath.Base(g.Path(closure.ID(i)))
	}
	dir := filepath.Join(root, filepath.Dir(drv))
	workers := runtime.GOMAXPROCS(0)
	var ours, read, readOne, byNix []time.Duration
	peak := 0.0
	g = nil
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		debug.FreeOSMemory()
		forgetPeak()
		b.StartTimer()
		ours = append(ours, clock(func() {
			g, facts, err := closure.LoadFacts(context.Background(), closure.DrvInput(drv, root), closure.Options{}, Extract)
			if err != nil {
				b.Fatal(err)
			}
			if s := Judge(g, facts); len(s) != len(files) {
				b.Fatalf("%d judged of %d", len(s), len(files))
			}
		}))
		b.StopTimer()
		peak = max(peak, peakMB(b))
		read = append(read, clock(func() { readFiles(b, dir, files, workers) }))
		readOne = append(readOne, clock(func() { readFiles(b, dir, files, 1) }))
		byNix = append(byNix, clock(func() {
			cmd := exec.Command("nix", "show-derivation", "-r", "--store", "local?root="+root, drv)
			if root == "" {
				cmd = exec.Command("nix", "show-derivation", "-r", drv)
			}
			cmd.Env = append(os.Environ(), "NIX_CONFIG=experimental-features = nix-command")
			if err := cmd.Run(); err != nil { // its output goes to /dev/null
				b.Fatalf("%v: %v", cmd.Args, err)
			}
		}))
		b.StartTimer()
	}
	b.StopTimer()
	o := float64(median(ours))
	b.ReportMetric(float64(median(byNix))/o, "×faster-than-nix")
	b.ReportMetric(o/float64(median(read)), "×reading")
	b.ReportMetric(o/float64(median(readOne)), "×reading-by-one")
	b.ReportMetric(o/float64(len(files)), "ns/drv")
	b.ReportMetric(o/1e6, "ms")
	b.ReportMetric(float64(median(byNix))/1e6, "nix-ms")
	b.ReportMetric(peak, "peak-MB")
	b.ReportMetric(float64(len(files)), "drvs")
	b.ReportMetric(0, "ns/op") // is ms
}

func clock(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// readFiles opens and reads each file, and does no more: the least that a load
// has to do.
func readFiles(b *testing.B, dir string, names []string, workers int) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				b.Error(err)
				return
			}
			defer unix.Close(fd)
			buf := make([]byte, 128<<10)
			for i := w; i < len(names); i += workers {
				if err := readFile(fd, names[i], buf); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func readFile(dir int, name string, buf []byte) error {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening %q: %w", name, err)
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			return fmt.Errorf("reading %q: %w", name, err)
		}
		if n < len(buf) {
			return nil
		}
	}
}

// forgetPeak sets the peak of resident memory, as the kernel keeps it, back to
// what is resident now (proc(5), clear_refs).
func forgetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakMB is the peak of resident memory since, of the whole process.
func peakMB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		b.Fatal("no VmHWM in /proc/self/status")
	}
	kb, err := strconv.Atoi(fields[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1e3
}
