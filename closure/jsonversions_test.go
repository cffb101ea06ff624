package closure

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type obj = map[string]any

// jsonVersion describes how a version of Nix prints a derivation, where it
// differs from others (the table is Nix's release notes: 2.4, 2.8, 2.15, 2.18,
// 2.23, 2.30, 2.32, 2.33).
type jsonVersion struct {
	platform, name, objects, method, structured, baseNames, inputs, options bool
}

var jsonVersions = map[string]jsonVersion{
	"2.3":  {platform: true},
	"2.4":  {},
	"2.15": {name: true},
	"2.18": {name: true, objects: true},
	"2.23": {name: true, objects: true, method: true},
	"2.30": {name: true, objects: true, method: true, structured: true},
	"2.32": {name: true, objects: true, method: true, structured: true, baseNames: true},
	"2.33": {name: true, objects: true, method: true, structured: true, baseNames: true, inputs: true},
	// JSON version 5, in Nix's source since 2.36.
	"next": {name: true, objects: true, method: true, structured: true, baseNames: true, inputs: true, options: true},
}

func (v jsonVersion) path(p string) string {
	if v.baseNames {
		return path.Base(p)
	}
	return p
}

func (v jsonVersion) paths(l []string) []string {
	out := []string{}
	for _, p := range l {
		out = append(out, v.path(p))
	}
	return out
}

func (v jsonVersion) output(t *testing.T, o Output) obj {
	m := obj{}
	kind := o.Kind()
	if o.Path != "" && !(v.baseNames && kind == Fixed) {
		m["path"] = v.path(o.Path)
	}
	if o.HashAlgo != "" {
		m["hashAlgo"] = o.HashAlgo
		if v.method {
			m["method"], m["hashAlgo"] = "flat", o.HashAlgo
			if a, ok := strings.CutPrefix(o.HashAlgo, "r:"); ok {
				m["method"], m["hashAlgo"] = "nar", a
			}
		}
	}
	if v.options {
		m["checks"], m["unsafeDiscardReferences"] = nil, false
	}
	switch kind {
	case Impure:
		m["impure"] = true
	case Fixed:
		m["hash"] = o.Hash
		if v.inputs {
			raw, err := hex.DecodeString(o.Hash)
			if err != nil {
				t.Fatal(err)
			}
			m["hash"] = bareAlgo(o.HashAlgo) + "-" + base64.StdEncoding.EncodeToString(raw)
			delete(m, "hashAlgo")
		}
	}
	return m
}

func (v jsonVersion) uses(outs []string, dyn []DynamicOutput) any {
	if !v.objects {
		return outs
	}
	d := obj{}
	for _, o := range dyn {
		d[o.Output] = v.uses(o.Outputs, o.Dynamic)
	}
	return obj{"outputs": append([]string{}, outs...), "dynamicOutputs": d}
}

func (v jsonVersion) derivation(t *testing.T, d *Derivation) obj {
	outputs, drvs, env := obj{}, obj{}, obj{}
	for _, o := range d.Outputs {
		outputs[o.Name] = v.output(t, o)
	}
	for _, in := range d.InputDrvs {
		drvs[v.path(in.Path)] = v.uses(in.Outputs, in.Dynamic)
	}
	for _, e := range d.Env {
		env[e.Key] = e.Value
	}
	m := obj{"outputs": outputs, "builder": d.Builder, "args": append([]string{}, d.Args...), "env": env, "system": d.System}
	if v.platform {
		delete(m, "system")
		m["platform"] = d.System
	}
	if v.name {
		m["name"] = d.Name()
	}
	if v.inputs {
		m["version"], m["inputs"] = 4, obj{"srcs": v.paths(d.InputSrcs), "drvs": drvs}
	} else {
		m["inputSrcs"], m["inputDrvs"] = v.paths(d.InputSrcs), drvs
		if v.baseNames {
			m["version"] = 3
		}
	}
	if v.options {
		m["version"], m["options"] = 5, obj{"allowSubstitutes": true, "impureEnvVars": []string{}}
	}
	switch {
	case d.Structured == nil:
	case v.structured:
		m["structuredAttrs"] = d.Structured
	default:
		env[jsonKey] = string(d.Structured)
	}
	return m
}

// The JSON of every version is read back into the derivations that it was
// printed from, and their paths follow from it.
func TestJSONVersions(t *testing.T) {
	n := newNix(t)
	g := mustLoad(t, DrvInput(n.instantiate(everyKind), ""))
	want := g.text(t)
	for name, v := range jsonVersions {
		for _, indent := range []string{"", "  "} {
			t.Run(name+indent, func(t *testing.T) {
				all := obj{}
				for i := range ID(g.Len()) {
					d, err := g.Derivation(i)
					if err != nil {
						t.Fatal(err)
					}
					all[v.path(d.Path)] = v.derivation(t, d)
				}
				if v.inputs {
					all = obj{"version": 4, "derivations": all}
				}
				text, err := json.MarshalIndent(all, "", indent)
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(t.TempDir(), "drvs.json")
				if err := os.WriteFile(file, text, 0o644); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, mustLoad(t, detected(t, file, FormJSON)).text(t)); diff != "" {
					t.Errorf("(-drv +json):\n%s", diff)
				}
			})
		}
	}
}

func loadJSON(t *testing.T, text string) *Graph {
	t.Helper()
	file := filepath.Join(t.TempDir(), "drvs.json")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return mustLoad(t, JSONInput(file))
}

// Dynamic outputs, of which Nix 2.8 knows nothing.
func TestJSONDynamic(t *testing.T) {
	aterm := `DrvWithVersion("xp-dyn-drv",[],[("/nix/store/00000000000000000000000000000000-a.drv",(["out"],[("x",(["o"],[("y",["p"])]))]))],[],"","",[],[])`
	d, err := ParseATerm("/nix/store/x.drv", []byte(aterm))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(obj{"version": 4, "derivations": obj{path.Base(d.ComputedPath()): jsonVersions["2.33"].derivation(t, d)}})
	if err != nil {
		t.Fatal(err)
	}
	g := loadJSON(t, string(text))
	got, err := g.Derivation(g.Roots()[0])
	if err != nil {
		t.Fatal(err)
	}
	if string(got.AppendATerm(nil)) != aterm || g.Len() != 2 || !g.Missing(g.Inputs(g.Roots()[0])[0]) {
		t.Errorf("%d derivations, %s", g.Len(), got.AppendATerm(nil))
	}
}

// Nix before 2.10 writes bytes as they are; encoding/json would replace them.
func TestJSONNotUTF8(t *testing.T) {
	g := loadJSON(t, "{\"/nix/store/00000000000000000000000000000000-a.drv\": {\"env\": {\"k\": \"\xff\\u00e9\\ud83d\\ude00\\n\\/\"}}}")
	d, err := g.Derivation(0)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Get("k"); got != "\xff\u00e9\U0001F600\n/" {
		t.Errorf("got %q", got)
	}
}

// What is no derivation is skipped, by the byte, and the rest is read.
func TestJSONSkips(t *testing.T) {
	const a, b = "/nix/store/00000000000000000000000000000000-a.drv", "/nix/store/00000000000000000000000000000001-b.drv"
	for _, c := range []struct {
		name, text, reason string
		offset             int64
		missing            int
	}{
		{"not an object", `{"` + a + `": {}, "` + b + `": 17}`, "a derivation's object", 111, 1},
		{"wrong type", `{"` + a + `": {}, "` + b + `": {"args": "x"}}`, `'['`, 120, 1},
		{"bad escape", `{"` + a + `": {}, "` + b + `": {"args": ["\q"]}}`, "an escape", 122, 1},
		{"unknown method", `{"` + a + `": {}, "` + b + `": {"outputs": {"out": {"method": "magic"}}}}`, "a hash method", 131, 1},
		{"truncated", `{"` + a + `": {}, "` + b + `": {"args": [`, "the rest of a value", 121, 0},
		{"nonsense after", `{"` + a + `": {} oops`, `"," or "}"`, 57, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := loadJSON(t, c.text)
			missing := 0
			for i := range ID(g.Len()) {
				if g.Missing(i) {
					missing++
				}
			}
			if len(g.Skipped()) != 1 || missing != c.missing || g.Len() != 1+c.missing {
				t.Fatalf("skipped %v, %d missing of %d", g.Skipped(), missing, g.Len())
			}
			if s := g.Skipped()[0]; s.Offset != c.offset || !strings.Contains(s.Reason, c.reason) || !strings.HasSuffix(s.Input, "drvs.json") {
				t.Errorf("skipped %v, want byte %d, %s", s, c.offset, c.reason)
			}
		})
	}
}

func TestCompactJSON(t *testing.T) {
	for in, want := range map[string]string{
		` { "b" : 1.50 , "a" : [ true , null , { } , [ ] ] } `: `{"a":[true,null,{},[]],"b":1.50}`,
		`"\u0001\u00e9\/\"\\\b\f\n\r\t"`:                       `"\u0001é/\"\\\b\f\n\r\t"`,
		`{"a":1,"a":{"z":1,"y":2}}`:                            `{"a":{"y":2,"z":1}}`,
		`{"a":1} x`:                                            "",
		`{"a":`:                                                "",
		`[1,]`:                                                 "",
		strings.Repeat("[", 1000) + strings.Repeat("]", 1000): "",
	} {
		got, err := compactJSON([]byte(in))
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%.40s: %s, %v; want %s", in, got, err, want)
		}
	}
}

// Decoding never fails to end, and what it takes has an ATerm form that reads
// back the same.
func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"outputs":{"out":{"path":"/nix/store/x","hashAlgo":"r:sha256","hash":"00"}},"inputDrvs":{"/a.drv":["out"]},"env":{"a":"b"},"args":["\u00e9"],"structuredAttrs":{"b":[1,{}],"a":null}}`))
	f.Add([]byte(`{"version":4,"inputs":{"srcs":["a"],"drvs":{"x.drv":{"outputs":["out"],"dynamicOutputs":{"o":{"outputs":[],"dynamicOutputs":{}}}}}},"outputs":{"out":{"method":"flat","hash":"sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := decodeJSON("/nix/store/x.drv", "/nix/store", in)
		if err != nil {
			if d != nil {
				t.Fatal("a derivation and an error")
			}
			return
		}
		once := string(d.AppendATerm(nil))
		again, err := ParseATerm(d.Path, []byte(once))
		if err != nil {
			return // relative paths, which ATerm does not allow
		}
		if twice := string(again.AppendATerm(nil)); once != twice {
			t.Fatalf("%s\n%s", once, twice)
		}
	})
}

// What the indexer measures lies within the text, and is a value that the
// reader takes whole.
func FuzzJSONIndex(f *testing.F) {
	f.Add([]byte(`{"/nix/store/a.drv": {"env": {"a": "\"}"}, "args": [1, [true]]}, "b": null, "c":"x" }`))
	f.Add([]byte(`{"version":4,"derivations":{"a.drv":{}}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		x := &jsonIndexer{name: "in", r: bufio.NewReaderSize(bytes.NewReader(in), 16)}
		x.object(func(string) {
			at := x.skip()
			if x.err != nil {
				return
			}
			if at.off < 0 || at.len <= 0 || at.off+at.len > int64(len(in)) {
				t.Fatalf("%+v of %d", at, len(in))
			}
			r := jsonReader{buf: in[at.off : at.off+at.len]}
			if got := r.raw(); !r.ok() || len(got) != int(at.len) {
				t.Fatalf("%q read as %q (%s)", in[at.off:at.off+at.len], got, r.expected)
			}
		})
	})
}
