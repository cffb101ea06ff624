package reference

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nix-community/go-nix/pkg/nixhash"
)

// Lists are what sha256sum writes, in both of its forms.
func TestParseListReal(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"plain.iso", "with space.iso", "(odd) = name"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, flags := range [][]string{nil, {"--tag"}, {"--binary"}} {
		cmd := exec.Command("sha256sum", append(flags, "plain.iso", "with space.iso", "(odd) = name")...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		l, err := ParseList("list", "", strings.NewReader(string(out)))
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		for name, sri := range l.files {
			h, err := nixhash.ParseAny(sri, nil)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sha256sum", "--check", "--strict")
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(h.Format(nixhash.Base16, false)+"  "+name+"\n")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v %q: %s", flags, name, out)
			}
		}
		if len(l.files) != 3 {
			t.Errorf("%v: got %v", flags, l.files)
		}
	}
}

func TestParseListWrong(t *testing.T) {
	sum, other := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	for _, text := range []string{
		sum + "\n",                                // a bare hash, for which file?
		sum + "  \n",                              // no name
		"<html>\n", "SHA256 (x = " + sum, "ab  x", // not hashes
		sum + "  a/x\n" + other + "  b/x\n", // one name, two hashes
		strings.Repeat("ab", 20) + "  x\n",  // sha1
	} {
		if l, err := ParseList("list", "", strings.NewReader(text)); err == nil {
			t.Errorf("%q: got %v", text, l.files)
		}
	}
	if _, err := (&List{}).Lookup(context.Background(), Query{}); !errors.Is(err, ErrNone) {
		t.Errorf("an empty list: %v", err)
	}
}

func FuzzParseList(f *testing.F) {
	sum := strings.Repeat("ab", 32)
	f.Add(sum + "  x.iso\n# c\n" + sum + " *y\n")
	f.Add("SHA256 (x) = " + sum)
	f.Add(sum)
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseList("list", "bare", strings.NewReader(text))
		if err != nil {
			if l != nil {
				t.Fatal("an error and a result")
			}
			return
		}
		// Written in the usual form it is read again as it was.
		var b strings.Builder
		for name, sri := range l.files {
			if strings.ContainsAny(name, "\n\r") || name != strings.TrimSpace(name) || strings.HasPrefix(name, "*") || name == "." {
				return
			}
			raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sri, "sha256-"))
			if err != nil || len(raw) != 32 {
				t.Fatalf("%q has the hash %q", name, sri)
			}
			h, _ := nixhash.ParseAny(sri, nil)
			b.WriteString(h.Format(nixhash.Base16, false) + "  " + name + "\n")
		}
		again, err := ParseList("list", "", strings.NewReader(b.String()))
		if err != nil {
			t.Fatalf("%q: %v", b.String(), err)
		}
		for name, sri := range l.files {
			if again.files[name] != sri {
				t.Fatalf("%q: %q became %q", name, sri, again.files[name])
			}
		}
	})
}

func FuzzAttestations(f *testing.F) {
	const base = "0c0hxkcj4hp9ddjv5yqr0hfglqp2x5bk-x"
	f.Add(`[{"output_digest":"0c0hxkcj4hp9ddjv5yqr0hfglqp2x5bk","output_name":"x","output_hash":"sha256:` + strings.Repeat("0", 52) + `","user_id":1}]`)
	f.Add(`[{"output_digest":"` + base + `","output_hash":"sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}]`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseAttestations(strings.NewReader(text))
		if err != nil {
			return
		}
		rs, err := records("list", all, base)
		if err == nil && len(rs) == 0 {
			t.Fatal("no records and no error")
		}
		for _, r := range rs {
			if !strings.HasPrefix(r.NarHash, "sha") && !strings.HasPrefix(r.NarHash, "md5") && !strings.HasPrefix(r.NarHash, "blake3") {
				t.Fatalf("%q is no hash", r.NarHash)
			}
		}
	})
}
