package rebuild

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzRegistrations(f *testing.F) {
	hash := strings.Repeat("0f", 32)
	f.Add([]byte("/nix/store/a\n" + hash + "\n120\n\n0\n"))
	f.Add([]byte("/nix/store/a\n" + hash + "\n120\n/nix/store/a.drv\n2\n/nix/store/a\n/nix/store/b\n/nix/store/b\n" + hash + "\n1\n\n0\n"))
	f.Add([]byte("/nix/store/a\n" + hash + "\n120\n\n9999999\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, err := parseRegistrations(b)
		if err != nil {
			if rs != nil {
				t.Fatal("an error and a result")
			}
			return
		}
		var again []byte
		for _, r := range rs {
			if again = appendRegistration(again, r); r.sri() == "" {
				t.Fatalf("no hash in %+v", r)
			}
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%q became %q", b, again)
		}
	})
}

// What a build says must not break the reading of what Nix says.
func FuzzMismatch(f *testing.F) {
	const drv = "/nix/store/x.drv"
	f.Add("error: hash mismatch in fixed-output derivation '" + drv + "':\n  specified: sha256-a\n  got:    sha256-b\n")
	f.Add("hash mismatch in fixed-output derivation '/nix/store/x.drv'\x1b[0m: got: x")
	f.Fuzz(func(t *testing.T, log string) {
		m, ok := mismatch(log, drv)
		if ok && (m.Specified == "" || strings.Contains(m.Got, "\n")) || !ok && m != (Mismatch{}) {
			t.Fatalf("%q: %+v, %v", log, m, ok)
		}
		if s := lastLines(log); strings.ContainsAny(s, "\x1b\x07\r\x00") || strings.Count(s, "\n") >= tailLines {
			t.Fatalf("%q shown as %q", log, s)
		}
		full := log + "\nerror: hash mismatch in fixed-output derivation '" + drv + "':\n  specified: sha256-a\n  got:    sha256-b\n"
		if m, ok := mismatch(full, drv); !ok || m != (Mismatch{"sha256-a", "sha256-b"}) {
			t.Fatalf("%q: %+v, %v", full, m, ok)
		}
	})
}

// A journal of any content opens or is refused, and is whole after that.
func FuzzJournal(f *testing.F) {
	head := `{"schema":"` + journalSchema + `"}` + "\n"
	line := `{"drv":"/nix/store/x.drv","builder":"local","results":[{"drv":"/nix/store/x.drv","output":"out","result":"reproduced"}]}` + "\n"
	f.Add([]byte(head + line))
	f.Add([]byte(head + line[:40]))
	f.Add([]byte(head[:5]))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		j, err := OpenJournal(file)
		if err != nil {
			if after, _ := os.ReadFile(file); !bytes.Equal(after, b) {
				t.Fatalf("refused and changed: %q", after)
			}
			return
		}
		k := entryKey{Drv: "/nix/store/new.drv", Builder: "local"}
		n := len(j.entries)
		_, had := j.entries[k]
		if err := j.add(k, []Result{{Drv: k.Drv}}); err != nil {
			t.Fatal(err)
		}
		j.Close()
		if j, err = OpenJournal(file); err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		defer j.Close()
		if _, ok := j.done(k); !ok || !had && len(j.entries) != n+1 {
			t.Fatalf("lost entries: %d of %d", len(j.entries), n+1)
		}
	})
}
