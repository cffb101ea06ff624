package main

import (
	"os"
	"path/filepath"
	"testing"

	"fromsource/closure"
)

// The builder scripts beside the derivations are read whatever way these come
// from a store, and of several stores each.
func TestBuilderScripts(t *testing.T) {
	const script, drv = "/nix/store/00000000000000000000000000000000-builder.sh", "/nix/store/00000000000000000000000000000000-x.drv"
	store := func(text string) string {
		root := t.TempDir()
		if err := os.MkdirAll(filepath.Join(root, "nix/store"), 0o755); err != nil {
			t.Fatal(err)
		}
		for p, text := range map[string]string{script: text, drv: ""} {
			if text == "" && p == script {
				continue
			}
			if err := os.WriteFile(root+p, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return root
	}
	without, with := store(""), store("make")
	read := func(in closure.Input, args ...string) string {
		x := extractor(in, args)
		if x.ReadSource == nil {
			return "-"
		}
		b, err := x.ReadSource(script)
		if err != nil {
			return "-"
		}
		return string(b)
	}
	one := closure.DrvInput(with+drv, "")
	for name, got := range map[string]string{
		"a derivation": read(one, with+drv),
		"a store root": read(closure.DirInput(with), with),
		"several":      read(closure.UnionInput(closure.DrvInput(without+drv, ""), one), without+drv, with+drv),
	} {
		if got != "make" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := read(closure.DrvInput(without+drv, ""), without+drv); got != "-" {
		t.Errorf("a store without it: %q", got)
	}
	// What Nix instantiates is in the machine's own store.
	file := filepath.Join(t.TempDir(), "some.txt")
	if err := os.WriteFile(file, []byte("own"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, in := range []closure.Input{closure.AttrInput("x.nix", "a"), closure.FlakeInput("nixpkgs#hello")} {
		if b, err := extractor(in, []string{"x.nix"}).ReadSource(file); err != nil || string(b) != "own" {
			t.Errorf("%s: %q, %v", in.Form(), b, err)
		}
	}
	if x := extractor(closure.JSONInput("x.json"), []string{"x.json"}); x.ReadSource != nil {
		t.Error("JSON has no store")
	}
}
