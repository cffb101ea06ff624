package report

import (
	"io"
	"runtime"
	"testing"

	"fromsource/analyze/policy/audittest"
)

// Every format at 30,000 derivations; the goal is under 2 s each, and bytes
// allocated that grow with the audit.
func BenchmarkFormats(b *testing.B) {
	small, large := audittest.Generate(3000), audittest.Generate(30000)
	for _, f := range Formats() {
		b.Run(f.Name, func(b *testing.B) {
			b.ReportAllocs()
			before := allocated(b, func() { must(b, f.Write(io.Discard, small, Options{})) })
			after := allocated(b, func() { must(b, f.Write(io.Discard, large, Options{})) })
			for b.Loop() {
				must(b, f.Write(io.Discard, large, Options{}))
			}
			b.ReportMetric(float64(after)/float64(before), "mem-at-10x")
		})
	}
}

// allocated is how many bytes do allocates.
func allocated(b *testing.B, do func()) uint64 {
	b.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	b.ResetTimer()
	return after.TotalAlloc - before.TotalAlloc
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
