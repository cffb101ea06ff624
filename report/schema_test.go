package report

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/audittest"
	"fromsource/report/schema"
)

// cases are audits that every format must stand.
func cases() map[string]*audit.Audit {
	return map[string]*audit.Audit{
		"empty": {}, "small": audittest.Generate(40), "large": audittest.Generate(3000), "hostile": audittest.GenerateHostile(600),
	}
}

func render(t *testing.T, name string, a *audit.Audit, o Options) []byte {
	t.Helper()
	f, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, a, o); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b.Bytes()
}

func decode(t *testing.T, data []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAuditSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	if err := c.AddResource("audit.json", decode(t, schema.Audit)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("audit.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range cases() {
		if name == "empty" {
			continue // has no verdict counts, which the schema asks for
		}
		if err := s.Validate(decode(t, render(t, "json", a, Options{}))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The schema must refuse what an audit is not.
	for _, c := range []struct{ old, new string }{
		{`"schema": "fromsource/audit/v1"`, `"schema": "fromsource/audit/v2"`},
		{`"verdict":"seed"`, `"verdict":"sourceish"`},
		{`"reach":"build"`, `"reach":"far"`},
		{`"kinds":[]`, `"kinds":null`},
		{`"kinds":["binaryNativeCode"]`, `"kinds":["elf"]`},
		{`"level":"content"`, `"level":"feeling"`},
		{`"inputs":[`, `"inputs":[-1],"x":[`},
		{`"reason":"not inspected"`, `"note":""`},
		{`"result":"reproduced"`, `"result":"fine"`},
		{`"influence":`, `"influenze":`},
	} {
		good := string(render(t, "json", audittest.Generate(400), Options{}))
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%s is not in the audit", c.old)
		}
		if err := s.Validate(decode(t, []byte(bad))); err == nil {
			t.Errorf("the schema accepts %s instead of %s", c.new, c.old)
		}
	}
}

// The schema knows every key that the Go types write.
func TestAuditSchemaIsComplete(t *testing.T) {
	var s struct {
		Defs map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(schema.Audit, &s); err != nil {
		t.Fatal(err)
	}
	check := func(def string, known map[string]any, v any) {
		for _, key := range jsonKeys(v) {
			if _, ok := known[key]; !ok {
				t.Errorf("the schema of %s lacks %q", def, key)
			}
		}
	}
	check("audit", s.Properties, audit.Audit{})
	for def, v := range map[string]any{
		"tool": audit.Tool{}, "target": audit.Target{}, "image": audit.Image{}, "guest": audit.Guest{}, "summary": audit.Summary{},
		"derivation": audit.Derivation{}, "output": audit.Output{}, "evidence": audit.Evidence{}, "rebuild": audit.Rebuild{},
		"difference": audit.Difference{}, "skip": audit.Skip{}, "meta": audit.Meta{}, "promise": audit.Promise{},
	} {
		check(def, s.Defs[def].Properties, v)
	}
}

// sarifOracle is the schema that a SARIF library carries in its source.
func sarifOracle(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file := filepath.Join(moduleDir(t, "github.com/owenrumney/go-sarif/v3"), "pkg/report/v210/sarif/schema.go")
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && len(lit.Value) > len(text) {
			text = lit.Value
		}
		return true
	})
	if text, err = strconv.Unquote(text); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", decode(t, []byte(text))); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSARIFIsValid(t *testing.T) {
	s := sarifOracle(t)
	for name, a := range cases() {
		for _, anchor := range []string{"", "nix/my flake.nix"} {
			data := render(t, "sarif", a, Options{Anchor: anchor})
			if err := s.Validate(decode(t, data)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			r, err := sarif.FromBytes(data)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if want := len(findingsOf(a)); len(r.Runs[0].Results) != want {
				t.Errorf("%s: %d results, want %d", name, len(r.Runs[0].Results), want)
			}
		}
	}
	bad := strings.Replace(string(render(t, "sarif", audittest.Generate(40), Options{})), `"level": "warning"`, `"level": "loud"`, 1)
	if err := s.Validate(decode(t, []byte(bad))); err == nil {
		t.Error("the schema accepts anything")
	}
}

func findingsOf(a *audit.Audit) []int {
	var out []int
	for i, d := range a.Derivations {
		if d.Verdict == audit.Binary || d.Verdict == audit.CarriesBinary || d.Verdict == audit.BuiltByBinary {
			out = append(out, i)
		}
	}
	return out
}

// A new version of a dependency is the same alert; another dependency is not,
// and no two alerts of one run share a fingerprint.
func TestSARIFFingerprints(t *testing.T) {
	prints := func(a *audit.Audit) map[string]bool {
		var log sarifLog
		if err := json.Unmarshal(render(t, "sarif", a, Options{}), &log); err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		for _, r := range log.Runs[0].Results {
			p := r.Fingerprints["fromsourceIdentity/v1"]
			if out[p] || r.Partial["primaryLocationLineHash"] != p+":1" {
				t.Errorf("fingerprint %q is there twice, or not the one that services read", p)
			}
			out[p] = true
		}
		return out
	}
	one := func(version string) *audit.Audit {
		return &audit.Audit{Derivations: []audit.Derivation{{
			Drv: "/nix/store/" + version + ".drv", Name: "tool-" + version, Verdict: audit.Binary,
			URLs: []string{"https://example.org/v" + version + "/tool-" + version + ".tar.gz"},
		}}}
	}
	a, b := prints(one("1.2")), prints(one("1.3"))
	for p := range a {
		if !b[p] {
			t.Error("an update makes a new alert")
		}
	}
	other := one("1.2")
	other.Derivations[0].URLs[0] = "https://example.net/v1.2/tool-1.2.tar.gz"
	for p := range prints(other) {
		if a[p] {
			t.Error("another origin is the same alert")
		}
	}
	prints(audittest.Generate(3000))
}

// moduleDir is where the Go module cache keeps a dependency's files.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("finding %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

// The official schema comes with the module that we write CycloneDX with.
func TestCycloneDXIsValid(t *testing.T) {
	dir := filepath.Join(moduleDir(t, "github.com/CycloneDX/cyclonedx-go"), "schema")
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	const base = "http://cyclonedx.org/schema/"
	for file, name := range map[string]string{
		"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schemax.json": "jsf-0.82.schema.json",
	} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(base+name, decode(t, data)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(base + "bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range cases() {
		data := render(t, "cyclonedx", a, Options{})
		if err := s.Validate(decode(t, data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := bytes.Replace(render(t, "cyclonedx", audittest.Generate(40), Options{}), []byte(`"type":"library"`), []byte(`"type":"box"`), 1)
	if err := s.Validate(decode(t, bad)); err == nil {
		t.Error("the schema accepts anything")
	}
}
