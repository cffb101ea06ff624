package closure

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dominikbraun/graph"
)

// benchClosure is a root derivation in a real store, and how to run Nix on
// it: the one named by FROMSOURCE_DRV in the machine's store, or else one of
// 2,000 that real Nix makes here.
func benchClosure(b *testing.B) (drv string, env []string) {
	b.Helper()
	if drv := os.Getenv("FROMSOURCE_DRV"); drv != "" {
		return drv, append(os.Environ(), "NIX_CONFIG=experimental-features = nix-command")
	}
	n := newNix(b)
	return n.instantiate(`
		let
		  pad = builtins.concatStringsSep " " (builtins.genList (i: "--with-option-${toString i}=\"yes\"\n") 60);
		  step = acc: i: acc ++ [ (derivation {
		    name = "package-${toString i}"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" pad ]; flags = pad;
		    deps = builtins.genList (k: builtins.elemAt acc (i * (k + 1) * 7919 - i * (k + 1) * 7919 / i * i)) (if i < 8 then 0 else 7);
		  }) ];
		in derivation { name = "all"; system = "x86_64-linux"; builder = "/bin/sh"; all = builtins.foldl' step [ ] (builtins.genList (i: i) 2000); }
	`), n.env
}

// BenchmarkLoad measures a load with its index against two peers in the same
// run: only reading the same files, and Nix's own reading and printing.
// The ratios are what counts; goals: at most 3 times reading, and 5 times
// (1,649 derivations) or 10 times (50,000 and more) faster than Nix.
func BenchmarkLoad(b *testing.B) {
	drv, env := benchClosure(b)
	g := mustLoad(b, DrvInput(drv, "")) // also fills the page cache
	if len(g.Skipped()) > 0 || len(g.Tampered()) > 0 {
		b.Fatalf("skipped %v, tampered %v", g.Skipped(), g.Tampered())
	}
	fixed, size := 0, int64(0)
	files := make([]string, g.Len())
	for i := range ID(g.Len()) {
		files[i] = g.Path(i)
		if g.FixedOutput(i) {
			fixed++
		}
		st, err := os.Stat(g.Path(i))
		if err != nil {
			b.Fatal(err)
		}
		size += st.Size()
	}
	b.Logf("%d derivations, %d fixed-output, %d edges, %d bytes", g.Len(), fixed, len(g.in.vals), size)
	g = nil
	b.SetBytes(size)
	var load, read time.Duration
	for b.Loop() {
		start := time.Now()
		mustLoad(b, DrvInput(drv, ""))
		load += time.Since(start)
		b.StopTimer()
		read += readAllFiles(b, files)
		b.StartTimer()
	}
	b.StopTimer()
	nix := runNix(b, env, drv)
	perLoad := load / time.Duration(b.N)
	b.ReportMetric(float64(load)/float64(read), "×reading")
	b.ReportMetric(float64(nix)/float64(perLoad), "×faster-than-nix")
	b.ReportMetric(float64(nix.Milliseconds()), "nix-ms")
	b.ReportMetric(float64((read/time.Duration(b.N)).Microseconds())/1000, "reading-ms")
	b.ReportMetric(float64(len(files)), "drvs")
	b.ReportMetric(liveMB(b, drv), "live-MB")
}

// readAllFiles reads the files one after the other into a buffer for each
// worker, as many as a load has: the least that a load has to do.
func readAllFiles(b *testing.B, files []string) time.Duration {
	b.Helper()
	start := time.Now()
	var wg sync.WaitGroup
	workers := Options{}.workers()
	for w := range workers {
		wg.Go(func() {
			s, err := openDir(filepath.Dir(files[0]), Options{}, nil)
			if err != nil {
				b.Error(err)
				return
			}
			var buf []byte
			for i := w; i < len(files); i += workers {
				if buf, err = s.file(filepath.Base(files[i]), buf[:0]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// runNix has Nix read and print the same closure, once.
func runNix(b *testing.B, env []string, drv string) time.Duration {
	b.Helper()
	cmd := exec.Command("nix", "show-derivation", "-r", drv)
	cmd.Env, cmd.Stdout = env, io.Discard
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// liveMB is what a loaded graph holds in memory.
func liveMB(b *testing.B, drv string) float64 {
	b.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	g := mustLoad(b, DrvInput(drv, ""))
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(g)
	return float64(after.HeapAlloc-before.HeapAlloc) / 1e6
}

// BenchmarkForms loads the same closure in the other forms.
func BenchmarkForms(b *testing.B) {
	if os.Getenv("FROMSOURCE_DRV") != "" {
		b.Skip("makes its own closure: a store is needed to write to")
	}
	n := newNix(b)
	drv := n.instantiate(everyKind)
	export := n.write("e", n.run("nix-store", append([]string{"--export"}, strings.Fields(n.run("nix-store", "-qR", drv))...)...))
	show := n.write("j", n.run("nix", "show-derivation", "-r", drv))
	n.run("nix", "copy", "--derivation", "--to", "file://"+n.dir+"/cache", drv)
	for _, in := range []Input{DrvInput(drv, ""), DirInput(n.storeDir), ExportInput(export), JSONInput(show), CacheInput(n.dir + "/cache")} {
		b.Run(in.Form(), func(b *testing.B) {
			for b.Loop() {
				mustLoad(b, in)
			}
		})
	}
}

// BenchmarkQuestions asks the graph all that it can answer.
func BenchmarkQuestions(b *testing.B) {
	drv, _ := benchClosure(b)
	g := mustLoad(b, DrvInput(drv, ""))
	root := g.Roots()[0]
	deepest := g.Topo()[0]
	runtimeSet := g.NewSet()
	for i := range ID(g.Len()) {
		if i%10 == 0 {
			runtimeSet.Add(i)
		}
	}
	for _, q := range []struct {
		name string
		ask  func()
	}{
		{"Topo", func() { g.Topo() }},
		{"Way", func() { g.Way(root, deepest, nil) }},
		{"Reach", func() { g.Reach([]ID{root}, g.InputsCut(g.CutFixed)) }},
		{"Dominators", func() { g.Dominators(root, g.CutFixed) }},
		{"InfluenceOfTenth", func() { g.Influence(runtimeSet, g.CutFixed) }},
		{"Influence", func() { g.Influence(nil, g.CutFixed) }},
		{"AsGraphDFS", func() { _ = graph.DFS(g.AsGraph(), g.Path(root), func(string) bool { return false }) }},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				q.ask()
			}
		})
	}
}

// BenchmarkGrowth loads chains and trees of growing size from memory: the
// time for each derivation must not grow with their number.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		s := syntheticSource(n)
		in := Input{open: func(context.Context, Options) (source, error) { return s, nil }}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				mustLoad(b, in)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/drv")
		})
	}
}

// syntheticSource is n derivations with up to seven inputs each.
func syntheticSource(n int) *chainSource {
	s := &chainSource{text: make(map[string][]byte, n)}
	for i := range n {
		d := &Derivation{System: "x", Builder: "/bin/sh", Env: []EnvVar{{"script", strings.Repeat("some text\n", 100)}}}
		for k := range 7 {
			if in := i - 1 - k*k; in >= 0 {
				d.InputDrvs = append(d.InputDrvs, InputDrv{Path: syntheticPath(in), Outputs: []string{"out"}})
			}
		}
		normalize(d)
		s.first = syntheticPath(i)
		s.text[s.first] = d.AppendATerm(nil)
	}
	return s
}

func syntheticPath(i int) string {
	return fmt.Sprintf("%s/%032d-package-%d.drv", defaultStoreDir, i, i)
}
