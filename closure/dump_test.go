package closure

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func mustLoad(tb testing.TB, in Input) *Graph {
	tb.Helper()
	g, err := Load(context.Background(), in, Options{})
	if err != nil {
		tb.Fatalf("loading %s: %v", in, err)
	}
	return g
}

// text is all of a graph, to be compared: what it says of each derivation and
// the derivation as it is read again.
func (g *Graph) text(tb testing.TB) string {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "store %s\nroots", g.StoreDir())
	for _, r := range g.Roots() {
		fmt.Fprintf(&b, " %s", g.Path(r))
	}
	fmt.Fprintf(&b, "\nskipped %v\ntampered %v\n", g.Skipped(), g.Tampered())
	for i := range ID(g.Len()) {
		fmt.Fprintf(&b, "%s fixed=%v missing=%v in=%v out=%v outputs=%q srcs=%q\n",
			g.Path(i), g.FixedOutput(i), g.Missing(i), g.Inputs(i), g.Consumers(i), g.Outputs(i), g.InputSrcs(i))
		if g.Missing(i) {
			continue
		}
		d, err := g.Derivation(i)
		if err != nil {
			tb.Fatal(err)
		}
		fmt.Fprintf(&b, "\t%q\n", d.AppendATerm(nil))
	}
	return b.String()
}
