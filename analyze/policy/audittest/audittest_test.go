package audittest

import (
	"bytes"
	"testing"

	"fromsource/analyze/audit"
)

func TestGenerate(t *testing.T) {
	for _, n := range []int{20, 100, 3000} {
		a := Generate(n)
		if err := a.Validate(); err != nil {
			t.Fatalf("Generate(%d): %v", n, err)
		}
		if len(a.Derivations) != n {
			t.Errorf("Generate(%d) has %d rows", n, len(a.Derivations))
		}
		for _, v := range audit.Verdicts {
			if n >= 3000 && a.Summary.Verdicts[v] == 0 {
				t.Errorf("Generate(%d) has no %s", n, v)
			}
		}
		var x, y bytes.Buffer
		if err := audit.Write(&x, a); err != nil {
			t.Fatal(err)
		}
		if err := audit.Write(&y, Generate(n)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x.Bytes(), y.Bytes()) {
			t.Errorf("Generate(%d) is not the same twice", n)
		}
	}
}
