package content_test

import (
	"path/filepath"
	"testing"
)

// An ELF's code is the same after patchelf, strip and objcopy, and differs
// after another compilation.
func TestTextPrintSurvivesPatching(t *testing.T) {
	dir := t.TempDir()
	path := greet(t, dir)
	want := inspect(t, path).Members
	if len(want) != 1 || want[0].Format != "elf-executable" {
		t.Fatalf("members of a program: %+v", want)
	}
	text, id := prints(want[0], "text"), prints(want[0], "build-id")
	if text == "" || id == "" || prints(want[0], "comment") == "" {
		t.Fatalf("prints of a program: %+v", want[0].Code)
	}
	long := "/nix/store/00000000000000000000000000000000-a-very-long-name-so-that-sections-move/lib"
	for name, args := range map[string][]string{
		"interpreter": {"patchelf", "--set-interpreter", long + "/ld.so", "copy"},
		"rpath":       {"patchelf", "--set-rpath", long + ":" + long, "copy"},
		"both":        {"patchelf", "--set-rpath", long, "--set-interpreter", long, "--add-needed", "libm.so.6", "copy"},
		"strip":       {"strip", "-s", "copy"},
		"debug":       {"strip", "-g", "copy"},
		"sections":    {"objcopy", "--remove-section=.comment", "copy"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, filepath.Join(dir, "copy"), read(t, path))
			run(t, dir, args[0], args[1:]...)
			got := inspect(t, filepath.Join(dir, "copy")).Members
			if len(got) != 1 {
				t.Fatalf("members: %+v", got)
			}
			if got[0].SHA256 == want[0].SHA256 {
				t.Fatal("the tool changed nothing")
			}
			if s := prints(got[0], "text"); s != text {
				t.Errorf("text %s, want %s", s, text)
			}
			if s := prints(got[0], "build-id"); s != id {
				t.Errorf("build-id %s, want %s", s, id)
			}
		})
	}
	run(t, dir, "gcc", "-O2", "-o", "other", "greet.c")
	if got := inspect(t, filepath.Join(dir, "other")).Members; len(got) != 1 || prints(got[0], "text") == text {
		t.Errorf("another compilation has the same code: %+v", got)
	}
}
