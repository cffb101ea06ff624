package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"
)

// many is an audit of n rows.
func many(n int) *Audit {
	a := sample()
	proto := a.Derivations[0]
	a.Derivations = nil
	a.Promises = nil
	for i := range n {
		d := proto
		d.Drv = fmt.Sprintf("/nix/store/%032d-package-%d.drv", i, i)
		d.Inputs, d.Outputs = []int{i / 3, i/2 + 1}, []Output{{Name: "out", Path: d.Drv[:len(d.Drv)-4]}}
		if d.Inputs[0] >= d.Inputs[1] || d.Inputs[1] >= n {
			d.Inputs = []int{}
		}
		a.Derivations = append(a.Derivations, d)
	}
	a.Summary = Summarize(a.Derivations)
	return a
}

// BenchmarkRead reports its time as a multiple of what the standard library
// takes to decode the same bytes without looking at them.
func BenchmarkRead(b *testing.B) {
	data := write(b, many(5000))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Read(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	start, n := time.Now(), 0
	for ; n < b.N; n++ {
		var a Audit
		if err := json.Unmarshal(data, &a); err != nil {
			b.Fatal(err)
		}
	}
	plain := time.Since(start)
	b.ReportMetric(b.Elapsed().Seconds()/plain.Seconds(), "×unmarshal")
}

func BenchmarkWrite(b *testing.B) {
	a := many(5000)
	b.SetBytes(int64(len(write(b, a))))
	for b.Loop() {
		if err := Write(io.Discard, a); err != nil {
			b.Fatal(err)
		}
	}
}
