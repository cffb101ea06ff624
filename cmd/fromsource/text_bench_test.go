package main

import (
	"bytes"
	"fmt"
	"io"
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

	"fromsource/analyze/rules"
	"fromsource/closure"
)

// BenchmarkClosure measures all that text alone tells of a closure (load,
// graph, Extract and Judge) against two peers, in turn in the same run: Nix
// reading and printing the same closure, and only reading the same files into
// one buffer, by as many goroutines as ours has and by one. What counts are
// the ratios of the medians. All read from the page cache: some machines give
// its pages up within seconds, so the files are read once more before each.
// Ours begins with no memory of its own and with the collector as the program
// sets it when it starts. Where other programs want the processors, ours loses
// the advantage of using more than one: the processor time that each took is
// there to be compared then, and to know it by.
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
	g, err := closure.Load(b.Context(), closure.DrvInput(drv, root), closure.Options{}) // also fills the page cache
	if err != nil {
		b.Fatal(err)
	}
	files := make([]string, g.Len())
	for i := range files {
		files[i] = filepath.Base(g.Path(closure.ID(i)))
	}
	dir := filepath.Join(root, filepath.Dir(drv))
	workers := runtime.GOMAXPROCS(0)
	var ours, read, readOne, byNix []spent
	peak := 0.0
	g = nil
	warm := func(do func()) spent {
		readFiles(b, dir, files, workers)
		return clock(do)
	}
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		debug.FreeOSMemory()
		forgetPeak()
		b.StartTimer()
		easeCollector()
		ours = append(ours, warm(func() {
			g, facts, err := load(b.Context(), newProgress(newEnv(nil, io.Discard, io.Discard)), closure.DrvInput(drv, root), rules.Extractor{})
			if err != nil {
				b.Fatal(err)
			}
			if s := rules.Judge(g, facts); len(s) != len(files) {
				b.Fatalf("%d judged of %d", len(s), len(files))
			}
		}))
		b.StopTimer()
		peak = max(peak, peakMB(b))
		read = append(read, warm(func() { readFiles(b, dir, files, workers) }))
		readOne = append(readOne, warm(func() { readFiles(b, dir, files, 1) }))
		byNix = append(byNix, warm(func() {
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
	o, n, r := median(ours), median(byNix), median(read)
	b.ReportMetric(n.wall/o.wall, "×faster-than-nix")
	b.ReportMetric(o.wall/r.wall, "×reading")
	b.ReportMetric(o.wall/median(readOne).wall, "×reading-by-one")
	b.ReportMetric(n.cpu/o.cpu, "×less-cpu-than-nix")
	b.ReportMetric(o.cpu/r.cpu, "×cpu-of-reading")
	b.ReportMetric(o.wall*1e9/float64(len(files)), "ns/drv")
	b.ReportMetric(o.wall*1e3, "ms")
	b.ReportMetric(n.wall*1e3, "nix-ms")
	b.ReportMetric(peak, "peak-MB")
	b.ReportMetric(float64(len(files)), "drvs")
	b.ReportMetric(0, "ns/op") // is ms
}

// spent is what something took, in seconds: by the clock, and of processors.
type spent struct{ wall, cpu float64 }

func clock(do func()) spent {
	start, cpu := time.Now(), processors()
	do()
	return spent{time.Since(start).Seconds(), processors() - cpu}
}

// processors is the processor time of this process and of those that it has
// waited for.
func processors() float64 {
	var total float64
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			panic(err)
		}
		total += float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	}
	return total
}

// median takes the median of each by itself.
func median(l []spent) spent {
	wall, cpu := make([]float64, len(l)), make([]float64, len(l))
	for i, s := range l {
		wall[i], cpu[i] = s.wall, s.cpu
	}
	slices.Sort(wall)
	slices.Sort(cpu)
	return spent{wall[len(l)/2], cpu[len(l)/2]}
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
