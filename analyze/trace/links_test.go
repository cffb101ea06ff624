package trace

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	for _, most := range []int{1, 7, 8, 63, 1 << 20} {
		var l linkReader
		for rest := nar; len(rest) > 0; {
			n := min(most, len(rest))
			_, _ = l.Write(rest[:n]) // never fails
			rest = rest[n:]
		}
		if d := cmp.Diff(want, l.links); d != "" || l.broken {
			t.Errorf("in pieces of %d bytes: broken %v\n%s", most, l.broken, d)
		}
	}
	var l linkReader
	_, _ = l.Write(narOf(t, "ln -s /etc/passwd out")) // never fails
	if d := cmp.Diff([]Link{{"", "/etc/passwd"}}, l.links); d != "" {
		t.Error(d)
	}
}

func FuzzLinks(f *testing.F) {
	f.Add([]byte("\x0d\x00\x00\x00\x00\x00\x00\x00nix-archive-1\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00(\x00\x00\x00\x00\x00\x00\x00"), uint8(3))
	f.Add(bytes.Repeat([]byte("\x06\x00\x00\x00\x00\x00\x00\x00target\x00\x00"), 3), uint8(8))
	f.Add([]byte("\x08\x00\x00\x00\x00\x00\x00\x00contents\xff\xff\xff\xff\xff\xff\xff\x3f"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		var whole, pieces linkReader
		_, _ = whole.Write(data) // never fails
		for rest := data; len(rest) > 0; {
			n := min(1+int(cut), len(rest))
			_, _ = pieces.Write(rest[:n])
			rest = rest[n:]
		}
		if d := cmp.Diff(whole.links, pieces.links); d != "" || whole.broken != pieces.broken {
			t.Fatal(d)
		}
	})
}
