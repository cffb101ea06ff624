package closure

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const small = `Derive([("out","/s/o","","")],[("/s/a.drv",["out"])],["/s/src"],"x","/bin/sh",["-c"],[("k","v")])`

// What Nix's reader takes, and what comes of it when it is written again.
func TestParseATermTakes(t *testing.T) {
	for name, c := range map[string]struct{ in, out string }{
		"as Nix writes it":      {small, small},
		"nothing in it":         {`Derive([],[],[],"","",[],[])`, `Derive([],[],[],"","",[],[])`},
		"bytes after it":        {small + "\n", small},
		"unsorted inputs":       {strings.Replace(small, `[("/s/a.drv",["out"])]`, `[("/s/b.drv",["out","dev"]),("/s/a.drv",["out"])]`, 1), strings.Replace(small, `[("/s/a.drv",["out"])]`, `[("/s/a.drv",["out"]),("/s/b.drv",["dev","out"])]`, 1)},
		"repeated input":        {strings.Replace(small, `[("/s/a.drv",["out"])]`, `[("/s/a.drv",["dev"]),("/s/a.drv",["out"])]`, 1), small},
		"repeated source":       {strings.Replace(small, `["/s/src"]`, `["/s/src","/s/src"]`, 1), small},
		"repeated variable":     {strings.Replace(small, `[("k","v")]`, `[("k","old"),("k","v")]`, 1), small},
		"repeated output":       {strings.Replace(small, `[("out","/s/o","","")]`, `[("out","/s/o","",""),("out","/s/x","","")]`, 1), small},
		"separators left out":   {strings.Replace(small, `["-c"]`, `["-c""b"]`, 1), strings.Replace(small, `["-c"]`, `["-c","b"]`, 1)},
		"escapes":               {strings.Replace(small, `"v"`, `"\"\\\n\r\t\a\x"`, 1), strings.Replace(small, `"v"`, `"\"\\\n\r\tax"`, 1)},
		"not UTF-8":             {strings.Replace(small, `"v"`, "\"\xff\x00\xc3\"", 1), strings.Replace(small, `"v"`, "\"\xff\x00\xc3\"", 1)},
		"structured attributes": {strings.Replace(small, `("k","v")`, `("__json","{\"a\":1}"),("k","v")`, 1), strings.Replace(small, `("k","v")`, `("__json","{\"a\":1}"),("k","v")`, 1)},
		"empty __json":          {strings.Replace(small, `("k","v")`, `("k","v"),("__json","")`, 1), strings.Replace(small, `("k","v")`, `("__json",""),("k","v")`, 1)},
		"floating":              {strings.Replace(small, `"/s/o","",""`, `"","r:sha256",""`, 1), strings.Replace(small, `"/s/o","",""`, `"","r:sha256",""`, 1)},
		"dynamic": {
			`DrvWithVersion("xp-dyn-drv",[],[("/s/a.drv",(["out"],[("x",(["o"],[("y",["p"])])),("b",["q"])])),("/s/b.drv",["out"])],[],"","",[],[])`,
			`DrvWithVersion("xp-dyn-drv",[],[("/s/a.drv",(["out"],[("b",["q"]),("x",(["o"],[("y",["p"])]))])),("/s/b.drv",["out"])],[],"","",[],[])`,
		},
		"dynamic version, nothing dynamic": {`DrvWithVersion("xp-dyn-drv",[],[("/s/a.drv",["out"])],[],"","",[],[])`, `Derive([],[("/s/a.drv",["out"])],[],"","",[],[])`},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ParseATerm("/s/x.drv", []byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(d.AppendATerm(nil)); got != c.out {
				t.Errorf("written again:\n%s\nwant:\n%s", got, c.out)
			}
		})
	}
}

// Errors name the byte at which, and what should have been there.
func TestParseATermRefuses(t *testing.T) {
	cut := func(n int) string { return small[:n] }
	for _, c := range []struct {
		name, in, expected string
		offset             int64
	}{
		{"empty", "", `"Derive("`, 0},
		{"not a derivation", "#!/bin/sh\n", `"Derive("`, 0},
		{"in a string", cut(10), "the end of a string", 10},
		{"in an escape", `Derive([("\`, "the end of a string", 11},
		{"in a list", cut(28), "the rest of a list", 28},
		{"before the end", cut(len(small) - 1), `")"`, int64(len(small) - 1)},
		{"no list", `Derive(x`, `"["`, 7},
		{"no string", `Derive([(x`, "a string", 9},
		{"relative input", `Derive([],[("a.drv",["out"])],[],"","",[],[])`, "an absolute store path", 12},
		{"relative source", `Derive([],[],["src"],"","",[],[])`, "an absolute store path", 14},
		{"relative output", `Derive([("out","o","","")],[],[],"","",[],[])`, "an absolute output path", 15},
		{"unknown version", `DrvWithVersion("xp-other",[],[],[],"","",[],[])`, `the version "xp-dyn-drv"`, 15},
		{"dynamic in the plain format", `Derive([],[("/s/a.drv",(["out"],[]))],[],"","",[],[])`, `"["`, 23},
		{"nested without end", `DrvWithVersion("xp-dyn-drv",[],[("/s/a.drv",` + strings.Repeat(`([],[("a",`, 1000), "nested at most 128 deep", 45 + 128*10},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := ParseATerm("/s/x.drv", []byte(c.in))
			var syn *SyntaxError
			if d != nil || !errors.As(err, &syn) {
				t.Fatalf("got %v, %v", d, err)
			}
			if syn.Offset != c.offset || !strings.Contains(syn.Expected, c.expected) || syn.File != "/s/x.drv" {
				t.Errorf("got %v; want byte %d, %s", err, c.offset, c.expected)
			}
		})
	}
}

// Every way to cut a derivation short is an error, at a byte that is there.
func TestParseATermTruncated(t *testing.T) {
	for n := range len(small) {
		_, err := ParseATerm("x", []byte(small[:n]))
		var syn *SyntaxError
		if !errors.As(err, &syn) || syn.Offset > int64(n) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

func TestClone(t *testing.T) {
	in := []byte(`DrvWithVersion("xp-dyn-drv",[("out","/s/o","r:sha256","00")],[("/s/a.drv",(["out"],[("x",["o"])]))],["/s/src"],"sys","/bin/sh",["-c"],[("__json","{}"),("k","v")])`)
	want := string(in)
	var p parser
	d, err := p.parse("/s/x.drv", in)
	if err != nil {
		t.Fatal(err)
	}
	c := d.Clone()
	if diff := cmp.Diff(d, c); diff != "" {
		t.Error(diff)
	}
	for i := range in {
		in[i] = '!'
	}
	if _, err := p.parse("y", []byte(`Derive([("a","/b","c","d")],[("/e",["f"])],["/g"],"h","i",["j"],[("k","l")])`)); err != nil {
		t.Fatal(err)
	}
	if got := string(c.AppendATerm(nil)); got != want {
		t.Errorf("the clone changed with its buffer: %s", got)
	}
}

func TestAttributes(t *testing.T) {
	plain := &Derivation{Env: []EnvVar{{"urls", " a\n b "}}}
	structured := &Derivation{
		Structured: []byte(`{"a":["x","y z",["deep"],1],"b":true,"c":false,"d":null,"e":"one two","f":{"g":[1]},"h":1.50,"u":"caf\u00e9 \ud83d\ude00","b2":"last","b2":"wins"}`),
		Env:        []EnvVar{{"out", "/s/o"}},
	}
	for _, c := range []struct {
		d    *Derivation
		key  string
		get  string
		list []string
	}{
		{plain, "urls", " a\n b ", []string{"a", "b"}},
		{plain, "none", "", nil},
		{structured, "a", "x y z deep 1", []string{"x", "y z", "deep", "1"}},
		{structured, "b", "1", []string{"1"}},
		{structured, "c", "", nil},
		{structured, "d", "", nil},
		{structured, "e", "one two", []string{"one", "two"}},
		{structured, "f", `{"g":[1]}`, []string{`{"g":[1]}`}},
		{structured, "h", "1.50", []string{"1.50"}},
		{structured, "u", "café 😀", []string{"café", "😀"}},
		{structured, "b2", "wins", []string{"wins"}},
		{structured, "out", "/s/o", []string{"/s/o"}},
		{&Derivation{Structured: []byte(`{"a":"b`)}, "a", "", nil},
		{&Derivation{Structured: []byte(`[]`)}, "a", "", nil},
	} {
		if got := c.d.Get(c.key); got != c.get {
			t.Errorf("Get(%q) = %q, want %q", c.key, got, c.get)
		}
		if diff := cmp.Diff(c.list, c.d.Strings(c.key), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Strings(%q): %s", c.key, diff)
		}
	}
}

// If it parses, it can be written, read and written again without change; if
// not, there is no derivation and the error lies within the input.
func FuzzParseATerm(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`DrvWithVersion("xp-dyn-drv",[],[("/s/a.drv",(["out"],[("x",(["o"],[("y",["p"])])),("b",["q"])]))],[],"","",[],[])`))
	f.Add([]byte(`Derive([("out","","r:sha256","impure")],[],[],"","",[],[("__json","{\"a\":[1,\"\\u00e9\"]}")])`))
	f.Add([]byte("Derive([],[],[],\"\xff\\n\",\"\",[],[(\"b\",\"\"),(\"a\",\"\")])"))
	f.Fuzz(func(t *testing.T, in []byte) {
		given := bytes.Clone(in)
		d, err := ParseATerm("/s/x.drv", in)
		if err != nil {
			var syn *SyntaxError
			if d != nil || !errors.As(err, &syn) || syn.Offset < 0 || syn.Offset > int64(len(given)) || syn.Expected == "" {
				t.Fatalf("%v, %#v", d, err)
			}
			return
		}
		once := d.AppendATerm(nil)
		again, err := ParseATerm("/s/x.drv", bytes.Clone(once))
		if err != nil {
			t.Fatalf("not readable again: %v\n%q", err, once)
		}
		if diff := cmp.Diff(d, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if twice := again.AppendATerm(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%q\n%q", once, twice)
		}
		c := d.Clone()
		if !bytes.Equal(c.AppendATerm(nil), once) {
			t.Fatal("the clone differs")
		}
		_, _, _ = d.ComputedPath(), d.Get("name"), d.Strings("urls")
	})
}

// Short strings are searched in another way than long ones: an escape or the
// end may be anywhere in either.
func TestStringsOfAnyLength(t *testing.T) {
	for n := range 3 * longString {
		for _, tail := range []string{"", `"`, `\`, "\n", `"x"` + strings.Repeat("y", n), "\n" + strings.Repeat("y", n) + `\`} {
			want := strings.Repeat("x", n) + tail
			d := &Derivation{System: "s", Builder: "/b", Env: []EnvVar{{"k", want}, {"l", tail}}}
			got, err := ParseATerm("x.drv", d.AppendATerm(nil))
			if err != nil {
				t.Fatal(err)
			}
			if got.Env[0].Value != want || got.Env[1].Value != tail {
				t.Fatalf("%d bytes and %q: read %q", n, tail, got.Env)
			}
		}
	}
}
