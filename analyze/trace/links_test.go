package trace

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze/content"
)

// TestLinks: those that lead out of the store path, at any depth, by whatever
// they are called.
func TestLinks(t *testing.T) {
	nar := narOf(t, `mkdir -p out/bin/deep out/target; cd out
ln -s /nix/store/x/bin/tool bin/tool; ln -s tool bin/same; ln -s ../../other/lib bin/up; ln -s ../../target bin/deep/inside
ln -s ../../../../far bin/deep/far; ln -s / name; ln -s /type target/contents; echo symlink > target/symlink; ln -s contents '('; ln -s . ')'; cd ..`)
	want := []Link{
		{"bin/deep/far", "../../../../far"},
		{"bin/tool", "/nix/store/x/bin/tool"},
		{"bin/up", "../../other/lib"},
		{"name", "/"},
		{"target/contents", "/type"},
	}
	if d := cmp.Diff(want, taken(t, nar).Links); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Link{{"", "/etc/passwd"}}, taken(t, narOf(t, "ln -s /etc/passwd out")).Links); d != "" {
		t.Error(d)
	}
}

func taken(t *testing.T, nar []byte) *Walk {
	t.Helper()
	w, err := Take(t.Context(), content.Inspect, "nar", bytes.NewReader(nar))
	if err != nil {
		t.Fatal(err)
	}
	return w
}
