package rules

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fromsource/closure"
)

// BenchmarkExtract reports what reading the facts costs beside parsing the
// derivation, which every load pays anyway, on a package with phases of the
// usual length.
func BenchmarkExtract(b *testing.B) {
	phase := strings.Repeat("install -Dm755 \"$out/bin/tool\" --replace /usr/bin /run/current-system/sw/bin\nsubstituteInPlace x --replace a b\n", 20)
	dir := b.TempDir()
	t := &testing.T{}
	w := &world{t, dir}
	e := pkg(plain, "installPhase", phase, "postPatch", phase, "configureFlags", strings.Repeat("--enable-x ", 30)).tools("cmake-3.17.3", "pkg-config-0.29")
	drv := w.write(e).drv
	text, err := os.ReadFile(filepath.Join(dir, filepath.Base(drv)))
	if err != nil {
		b.Fatal(err)
	}
	d, err := closure.ParseATerm(drv, slices.Clone(text))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Extract(d)
	}
	extract := b.Elapsed() / time.Duration(b.N)
	start := time.Now()
	for range b.N {
		if _, err := closure.ParseATerm(drv, slices.Clone(text)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(extract)/float64(time.Since(start)/time.Duration(b.N)), "×parse")
}
