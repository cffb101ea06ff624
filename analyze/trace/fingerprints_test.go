package trace

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// narHash is a hash that begins with n.
func narHash(n byte) string {
	return "sha256-" + base64.StdEncoding.EncodeToString(append([]byte{n}, make([]byte, 31)...))
}

// TestFingerprintsOfAnotherDetector: a walk that another version made is none,
// nor is one under another hash or one that was damaged.
func TestFingerprintsOfAnotherDetector(t *testing.T) {
	dir := t.TempDir()
	w := &Walk{Files: 3, Refs: []string{"a"}}
	one := OpenFingerprints(dir, "content 1")
	if err := one.Put(narHash(1), w); err != nil {
		t.Fatal(err)
	}
	if got, ok := OpenFingerprints(dir, "content 1").Get(narHash(1)); !ok || cmp.Diff(w, got) != "" {
		t.Errorf("the same detector has %+v, %v", got, ok)
	}
	if got, ok := OpenFingerprints(dir, "content 2").Get(narHash(1)); ok {
		t.Errorf("another detector has %+v", got)
	}
	if _, ok := one.Get(narHash(2)); ok {
		t.Error("there is a walk under another hash")
	}
	// A walk that lies under another's name, as a copy gone wrong would leave
	// it, is whole and still not that other one's.
	from, _ := one.file(narHash(1))
	to, _ := one.file(narHash(3))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, ok := one.Get(narHash(3)); ok {
		t.Errorf("another's walk is taken: %+v", got)
	}
}

func files(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, err := filepath.Rel(root, p)
			out = append(out, rel)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func TestPrune(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	root := t.TempDir()
	put := func(rel string, size int, age time.Duration) {
		t.Helper()
		name := filepath.Join(root, rel)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	walk := func(detector, n int) string { return fmt.Sprintf("%016x/%02x/%062x", detector, n, n) }
	const day = 24 * time.Hour
	put(walk(1, 1), 100, 61*day)              // too old, of an old detector
	put(walk(2, 2), 100, 59*day)              // in time, but the least used
	put(walk(2, 3), 100, 3*day)               // kept
	put(walk(3, 4), 100, 2*day)               // kept
	put(walk(2, 5)[:20]+".new-17", 5, 61*day) // of an audit that was killed
	put("notes.txt", 1000, 400*day)           // not ours
	put(walk(1, 6)+".bak", 10, 400*day)
	if err := prune(root, now, MaxCacheAge, 250); err != nil {
		t.Fatal(err)
	}
	want := []string{walk(1, 6) + ".bak", walk(2, 3), walk(3, 4), "notes.txt"}
	if d := cmp.Diff(want, files(t, root)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}

	// Once a day, and by the last use.
	p := OpenFingerprints(root, "x")
	for _, n := range []byte{1, 2} {
		if err := p.Put(narHash(n), &Walk{Files: int(n)}); err != nil {
			t.Fatal(err)
		}
		name, _ := p.file(narHash(n))
		if err := os.Chtimes(name, now.Add(-100*day), now.Add(-100*day)); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := p.Get(narHash(2)); !ok {
		t.Fatal("it is gone already")
	}
	for _, at := range []time.Time{now, now.Add(time.Hour)} {
		if err := p.Prune(at); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := p.Get(narHash(1)); ok {
		t.Error("what nobody has used for months is kept")
	}
	if _, ok := p.Get(narHash(2)); !ok {
		t.Error("what was just used is gone")
	}
	put(walk(7, 7), 1, 300*day)
	if err := p.Prune(now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(files(t, root), walk(7, 7)) {
		t.Error("pruned twice in an hour")
	}
	if err := p.Prune(now.Add(25 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(files(t, root), walk(7, 7)) {
		t.Error("not pruned after a day")
	}
	// Where there is nothing, nothing is made.
	none := filepath.Join(root, "none")
	if err := OpenFingerprints(none, "x").Prune(now); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("pruning makes a directory")
	}
	if err := new(Fingerprints).Prune(now); err != nil {
		t.Error(err)
	}
}
