package closure

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// A derivation that was read again stays what it is, whatever is read after
// it and by whom: nothing of it lies in memory that is used for the next.
func TestReread(t *testing.T) {
	f := newFolder(t)
	var inputs []string
	value := func(i int) string { // some larger than what is kept, some than the first buffer
		return strings.Repeat(fmt.Sprintf("%d\n", i%10), []int{1, firstReread / 2, firstReread, mostReread}[i%4])
	}
	for i := range 8 {
		inputs = append(inputs, f.add(fmt.Sprintf("d%d", i), []EnvVar{{"value", value(i)}}))
	}
	g := mustLoad(t, f.root(f.add("root", nil, inputs...)))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			read := make([]*Derivation, len(inputs))
			for i, p := range inputs {
				at, ok := g.Lookup(p)
				if !ok {
					t.Errorf("%s is not in the graph", p)
					return
				}
				d, err := g.Derivation(at)
				if err != nil {
					t.Error(err)
					return
				}
				read[i] = d
			}
			for i, d := range read {
				if d.Path != inputs[i] || d.Get("value") != value(i) || d.ComputedPath() != inputs[i] {
					t.Errorf("%s has become something else", inputs[i])
				}
			}
		})
	}
	wg.Wait()
}
