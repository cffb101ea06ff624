package trace

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

const ref = "0123456789abcdfghijklmnpqrsvwxyz"

func wide(s string, order byte) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if order == 'l' {
			out = append(out, byte(u), byte(u>>8))
		} else {
			out = append(out, byte(u>>8), byte(u))
		}
	}
	return out
}

// slow is the definition of what a Scanner finds.
func slow(b []byte) (plain, wides []string) {
	for i := 0; i+refLen <= len(b); i++ {
		if s := string(b[i : i+refLen]); strings.Trim(s, refAlphabet) == "" && strings.Count(s, s[:1]) != refLen {
			plain = append(plain, s)
		}
	}
	for i := 0; i+wideLen <= len(b); i++ {
		var s []byte
		for k := range refLen {
			if k > 0 && b[i+2*k-1] != 0 {
				break
			}
			s = append(s, b[i+2*k])
		}
		if len(s) == refLen && strings.Trim(string(s), refAlphabet) == "" && bytes.Count(s, s[:1]) != refLen {
			wides = append(wides, string(s))
		}
	}
	tidy := func(l []string) []string {
		slices.Sort(l)
		return slices.Compact(l)
	}
	return tidy(plain), tidy(wides)
}

// scan feeds a Scanner in pieces.
func scan(b []byte, pieces func() int) (plain, wides []string) {
	var s Scanner
	for len(b) > 0 {
		n := min(pieces(), len(b))
		_, _ = s.Write(b[:n]) // never fails
		b = b[n:]
	}
	plain, wides, _ = s.Refs()
	return plain, wides
}

func TestScanner(t *testing.T) {
	other := strings.Repeat("zyxw", 8)
	tests := []struct {
		name        string
		in          []byte
		plain, wide []string
	}{
		{"nothing", []byte("hello"), nil, nil},
		{"plain", []byte("x/nix/store/" + ref + "-foo"), []string{ref}, nil},
		{"at the start and the end", []byte(ref + "/" + other), []string{ref, other}, nil},
		{"UTF-16, little", wide("/nix/store/"+ref+"-foo", 'l'), nil, []string{ref}},
		{"UTF-16, big", wide("/nix/store/"+ref+"-foo", 'b'), nil, []string{ref}},
		{"UTF-16, unaligned", append([]byte("x"), wide("/"+ref, 'l')...), nil, []string{ref}},
		{"a letter that is in no hash", []byte(strings.Replace(ref, "a", "e", 1)), nil, nil},
		{"zeros", bytes.Repeat([]byte("0"), 200), nil, nil},
		{"one short", []byte(ref[1:]), nil, nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for _, piece := range []int{1, 7, 31, 32, 33, 62, 63, 64, 1000} {
				plain, wides := scan(tc.in, func() int { return piece })
				if d := cmp.Diff([][]string{tc.plain, tc.wide}, [][]string{plain, wides}); d != "" {
					t.Errorf("in pieces of %d:\n%s", piece, d)
				}
			}
		})
	}
}

func TestScannerGivesUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	b := make([]byte, maxRefs+100)
	for i := range b {
		b[i] = refAlphabet[rng.IntN(len(refAlphabet))]
	}
	var s Scanner
	_, _ = s.Write(b)
	if plain, _, over := s.Refs(); !over || len(plain) != maxRefs {
		t.Errorf("%d candidates, overflow %v", len(plain), over)
	}
}

// FuzzScanner compares with the definition, however the bytes are cut.
func FuzzScanner(f *testing.F) {
	f.Add([]byte("/nix/store/"+ref+"-foo"), uint64(1))
	f.Add(append(wide(ref+"-foo", 'l'), wide(ref[:20], 'b')...), uint64(2))
	f.Add(bytes.Repeat([]byte("0\x00"), 70), uint64(3))
	f.Add([]byte(ref+ref[:9]+"e"+ref), uint64(9))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 0))
		plain, wides := scan(b, func() int { return 1 + rng.IntN(100) })
		wantPlain, wantWide := slow(b)
		if d := cmp.Diff([][]string{wantPlain, wantWide}, [][]string{plain, wides}); d != "" {
			t.Error(d)
		}
	})
}

func BenchmarkScanner(b *testing.B) {
	data := make([]byte, 4<<20)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var s Scanner
		_, _ = s.Write(data)
	}
}

func TestHashPart(t *testing.T) {
	for in, want := range map[string]string{
		"/nix/store/" + ref + "-foo":     ref,
		ref + "-foo":                     ref,
		ref + "-":                        "",
		ref:                              "",
		"/nix/store/" + ref + "-foo/bin": "",
		"":                               "",
		strings.ToUpper(ref) + "-foo":    "",
	} {
		if got := HashPart(in); got != want {
			t.Errorf("HashPart(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"a.iso/fs.squashfs/" + ref + "-foo/bin/x": ref + "-foo",
		ref + "-foo":   ref + "-foo",
		"bin/x":        "",
		"":             "",
		"a/" + ref:     "",
		"//" + ref[1:]: "",
	} {
		if got := StorePart(in); got != want {
			t.Errorf("StorePart(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestReadExec(t *testing.T) {
	good := `{"drv":"/nix/store/a.drv","output":"/nix/store/a","path":"/nix/store/b/bin/cc"}

{"output":"/nix/store/a","path":"/build/x","sha256":"00ff"}
`
	got, err := ReadExec(iotest.OneByteReader(strings.NewReader(good)))
	want := []Exec{
		{Drv: "/nix/store/a.drv", Output: "/nix/store/a", Path: "/nix/store/b/bin/cc"},
		{Output: "/nix/store/a", Path: "/build/x", SHA256: "00ff"},
	}
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("got %v, %v", got, err)
	}
	for in, says := range map[string]string{
		good + `{"drv":`:                    "line 4",
		`{"path":"/x"}`:                     "line 1",
		`{"drv":"/x.drv"}`:                  "path",
		strings.Repeat("x", maxExecLine+1):  "too long",
		`{"drv":"d","path":"` + "\n" + `"}`: "line 1",
	} {
		if got, err := ReadExec(strings.NewReader(in)); err == nil || got != nil || !strings.Contains(err.Error(), says) {
			t.Errorf("ReadExec(%.40q) = %v, %v; want an error that says %q", in, got, err, says)
		}
	}
}

func FuzzReadExec(f *testing.F) {
	f.Add([]byte(`{"drv":"/nix/store/a.drv","path":"/x","sha256":"00"}`))
	f.Add([]byte("\n\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ReadExec(bytes.NewReader(b))
		if err != nil && got != nil {
			t.Fatal("records beside an error")
		}
		for _, e := range got {
			if e.Path == "" || e.Drv == "" && e.Output == "" {
				t.Fatalf("incomplete record %+v", e)
			}
		}
	})
}
