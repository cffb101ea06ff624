package accuracy

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fromsource/closure"
)

// A closure of four fetches, of which one is listed and found, one listed and
// missed, one not listed and suspected, one neither.
func TestClosure(t *testing.T) {
	root := t.TempDir()
	store := filepath.Join(root, "nix", "store")
	if err := os.MkdirAll(store, 0o755); err != nil {
		t.Fatal(err)
	}
	path := func(c, name string) string { return "/nix/store/" + strings.Repeat(c, 32) + "-" + name }
	put := func(drv string, d closure.Derivation) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(store, filepath.Base(drv)), d.AppendATerm(nil), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all := closure.Derivation{Builder: "/bin/sh", System: "x86_64-linux", Outputs: []closure.Output{{Name: "out", Path: path("0", "all")}}}
	for i, name := range []string{"a_1_amd64.deb", "b-1.tar.gz", "c_1_amd64.deb", "d-1.tar.gz"} {
		c := string(rune('a' + i))
		drv := path(c, name+".drv")
		put(drv, closure.Derivation{
			Builder: "/bin/sh", System: "x86_64-linux",
			Outputs: []closure.Output{{Name: "out", Path: path(c, name), HashAlgo: "sha256", Hash: strings.Repeat("0", 64)}},
			Env:     []closure.EnvVar{{Key: "name", Value: name}, {Key: "urls", Value: "https://example.org/" + name}},
		})
		all.InputDrvs = append(all.InputDrvs, closure.InputDrv{Path: drv, Outputs: []string{"out"}})
	}
	put(path("0", "all.drv"), all)
	file := filepath.Join(root, "closures.tsv")
	row := func(name, address string) string { return name + "\t" + address + "\tnative\tjudgement\t-\t\n" }
	rows := "attr\tdrv\ttruth\ttruth_source\tlabel_path@commit\tnote\n" +
		row("a_1_amd64.deb", "https://example.org/a_1_amd64.deb") + row("b-1.tar.gz", "https://example.org/b-1.tar.gz") +
		row("c_1_amd64.deb", "https://example.org/another/c_1_amd64.deb")
	if err := os.WriteFile(file, []byte(rows), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Closure(context.Background(), Paths{Store: root}, path("0", "all.drv"), file, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| fetches of all | 1 of 2 | 50.0 % | 1 of 2", "| miss | fetches of all | b-1.tar.gz | native |", "| false alarm | fetches of all | c_1_amd64.deb | not listed | https://example.org/c_1_amd64.deb |"} {
		if !strings.Contains(squeeze(out.String()), want) {
			t.Errorf("table lacks %q:\n%s", want, out.String())
		}
	}
	if err := Closure(context.Background(), Paths{Store: root}, path("1", "absent.drv"), file, &out); err == nil {
		t.Error("a closure that is not there is no error")
	}
}
