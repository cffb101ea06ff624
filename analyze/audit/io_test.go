package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is a small audit that uses every part of the format.
func sample() *Audit {
	rows := []Derivation{
		{
			Drv: "/nix/store/0a-app.drv", Name: "app", Verdict: CarriesBinary, Suspected: true,
			Kinds: []Kind{NativeCode}, Reach: ReachRuntime, Confidence: High, Influence: 1,
			URLs:     []string{},
			Evidence: []Evidence{{Rule: "trace-identical", Level: LevelTrace, At: "out/bin/<a&b>", Detail: "same bytes", From: "/nix/store/1b-blob.drv"}},
			Rebuild: []Rebuild{{
				Output: "out", Expected: "sha256-a", Got: "sha256-b", Result: Differs, By: "guest",
				Differences: []Difference{{Path: "bin/x", What: "section .text"}},
			}},
			Outputs: []Output{{Name: "out", Path: "/nix/store/0a-app", NarHash: "sha256-a", NarSize: 7, References: []int{1}}},
			Inputs:  []int{1, 2}, Meta: &Meta{Attr: "app", SourceProvenance: []string{"fromSource"}},
		},
		{
			Drv: "/nix/store/1b-blob.drv", Name: "blob", FixedOutput: true, Verdict: Binary, Suspected: true,
			Kinds: []Kind{NativeCode}, Reach: ReachBuild, Confidence: High, Influence: 1,
			URLs: []string{"https://example.org/x"}, Evidence: []Evidence{}, Rebuild: []Rebuild{}, Outputs: []Output{}, Inputs: []int{},
		},
		{
			Drv: "/nix/store/2c-gone.drv", Name: "gone", Verdict: Unknown, Kinds: []Kind{}, Reach: ReachUnknown, Confidence: Low,
			URLs: []string{}, Evidence: []Evidence{}, Rebuild: []Rebuild{}, Outputs: []Output{}, Inputs: []int{},
			Reason: "not at hand", Missing: true,
		},
	}
	return &Audit{
		Schema: Schema, Tool: Tool{Version: "1.0", Detector: "7"},
		Target:      Target{Name: "t", Roots: []string{"/nix/store/0a-app.drv"}, ReachBy: ReachByReferences, Image: &Image{Path: "x.iso", Size: 1, SHA256: "00"}},
		Summary:     Summarize(rows),
		Derivations: rows,
		Promises:    []Promise{{Rule: "seed-reference", Title: "t", Result: PromiseBroken, Checked: 1, Broken: []int{0}}},
		Skipped:     []Skip{{Input: "a", Reason: "b"}},
	}
}

func write(t testing.TB, a *Audit) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	first := write(t, sample())
	a, err := Read(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sample(), a); d != "" {
		t.Errorf("read differs from written (-written +read):\n%s", d)
	}
	if second := write(t, a); !bytes.Equal(first, second) {
		t.Errorf("second writing differs:\n%s", cmp.Diff(string(first), string(second)))
	}
	if n := bytes.Count(first, []byte("\n")); n != 17 {
		t.Errorf("%d lines, want one for each key, row, promise and skip:\n%s", n, first)
	}
	if bytes.Contains(first, []byte(`\u003c`)) {
		t.Error("angle brackets are escaped")
	}
}

func TestEmptyListsAreNotNull(t *testing.T) {
	a := &Audit{Derivations: []Derivation{{Drv: "/nix/store/a.drv", Name: "a", Verdict: Source, Reach: ReachBuild, Confidence: Low}}}
	a.Summary = Summarize(a.Derivations)
	if b := write(t, a); bytes.Contains(b, []byte("null")) {
		t.Errorf("null in\n%s", b)
	}
	if a.Derivations[0].Kinds != nil || a.Schema != "" {
		t.Error("writing changed the caller's audit")
	}
}

func TestReadErrors(t *testing.T) {
	good := string(write(t, sample()))
	replace := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("sample has no %q", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	tests := []struct {
		name, in string
		is       error
		says     []string
	}{
		{"empty", "", ErrNotAudit, nil},
		{"cut in a row", good[:strings.Index(good, `"2c-gone`)+len(good)/2], ErrTruncated, []string{"line "}},
		{"cut before the end", strings.TrimRight(good, "}\n"), ErrTruncated, nil},
		{"newer", replace("audit/v1", "audit/v2"), ErrNewer, []string{`"fromsource/audit/v2"`, "line 2"}},
		{"other schema", replace("fromsource/audit/v1", "fromsource/inspect/v1"), ErrNotAudit, nil},
		{"no schema", "{}", ErrNotAudit, nil},
		{"a list", "[1]", ErrNotAudit, nil},
		{"text", "hello", nil, []string{"not JSON", "line 1"}},
		{"more after it", good + "{}", nil, []string{"after the audit"}},
		{"wrong type", replace(`"influence":1`, `"influence":"one"`), nil, []string{"derivation 0", "influence", "line 7"}},
		{"key twice", replace(`"tool":`, `"schema": "fromsource/audit/v1", "tool":`), nil, []string{"twice"}},
		{"no rows", `{"schema":"fromsource/audit/v1","target":{},"summary":{}}`, nil, []string{`"derivations" is missing`}},
		{"unknown verdict", replace(`"verdict":"binary"`, `"verdict":"fine"`), nil, []string{"line 8", `"/nix/store/1b-blob.drv"`, `verdict is "fine"`}},
		{"unknown level", replace(`"level":"trace"`, `"level":"guess"`), nil, []string{"evidence 0", "line 7"}},
		{"input out of range", replace(`"inputs":[1,2]`, `"inputs":[1,9]`), nil, []string{"9 is no row"}},
		{"inputs unsorted", replace(`"inputs":[1,2]`, `"inputs":[2,1]`), nil, []string{"not ascending"}},
		{"rows unsorted", replace("2c-gone.drv", "0c-gone.drv"), nil, []string{"not sorted", "line 9"}},
		{"no reason", replace(`,"reason":"not at hand"`, ""), nil, []string{"no reason"}},
		{"summary wrong", replace(`"fixedOutput":1,`, `"fixedOutput":2,`), nil, []string{"summary.fixedOutput is 2, the rows make 1"}},
		{"verdict count wrong", replace(`"binary":1`, `"binary":4`), nil, []string{"summary.verdicts.binary is 4"}},
		{"reachBy", replace(`"reachBy":"references"`, `"reachBy":"faith"`), nil, []string{"faith"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			a, err := Read(strings.NewReader(tc.in))
			if err == nil || a != nil {
				t.Fatalf("Read = %v, %v; want nil and an error", a, err)
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%T is not an *Error", err)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("%v; want %v", err, tc.is)
			}
			for _, s := range tc.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

func TestReadIgnoresUnknownKeys(t *testing.T) {
	in := strings.Replace(string(write(t, sample())), `"tool":`, `"later": {"a": [1]}, "tool":`, 1)
	in = strings.Replace(in, `"suspected":true`, `"later":1,"suspected":true`, 1)
	if _, err := Read(strings.NewReader(in)); err != nil {
		t.Error(err)
	}
}

func TestReadFileNamesTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.json")
	if err := os.WriteFile(name, []byte(`{"schema":`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadFile(name)
	if !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), name) {
		t.Errorf("got %v", err)
	}
	// The folder stands for the audit in it.
	if _, err := ReadFile(filepath.Dir(name)); !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), name) {
		t.Errorf("got %v", err)
	}
	if _, err := ReadFile(name + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestWriteFileIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "audit.json")
	if err := WriteFile(name, sample()); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{name, dir} {
		if a, err := ReadFile(what); err != nil || len(a.Derivations) != 3 {
			t.Fatalf("%s: got %v, %v", what, a, err)
		}
	}
	// /dev/full takes the file's place in the failure that matters: a rename
	// onto a directory fails after everything was written.
	target := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(target, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(target, sample()); err == nil {
		t.Fatal("no error for a name that is a directory")
	}
	if err := WriteFile(filepath.Join(dir, "none", "a.json"), sample()); err == nil {
		t.Fatal("no error for a directory that is not there")
	}
	ents, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(ents) != 2 {
		t.Errorf("left behind: %v", ents)
	}
}

func TestWriteReportsAFullDisk(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Write(f, sample()); err == nil {
		t.Error("no error")
	}
}

func FuzzRead(f *testing.F) {
	good := write(f, sample())
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"schema":"fromsource/audit/v1","target":{"name":"","roots":null},"summary":{"verdicts":null},"derivations":null}`))
	f.Add([]byte(`{"schema":"fromsource/audit/v9"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		a, err := Read(bytes.NewReader(in))
		if err != nil {
			if a != nil {
				t.Fatal("an audit beside an error")
			}
			return
		}
		first := write(t, a)
		b, err := Read(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("reading what was written: %v\n%s", err, first)
		}
		if second := write(t, b); !bytes.Equal(first, second) {
			t.Fatalf("not stable:\n%s\n%s", first, second)
		}
	})
}
