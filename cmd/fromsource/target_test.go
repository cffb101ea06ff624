package main

import (
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"fromsource/vm"
)

// A recipe may do without pinned inputs; a lock file that is there and can't
// be read is no such recipe: it would be built without what it pins.
func TestLockFileUnreadable(t *testing.T) {
	p := newProgress(newEnv(nil, io.Discard, io.Discard))
	r := vm.Recipe{Name: "mine", Files: fstest.MapFS{"default.nix": {}}}
	if _, err := withInputs(t.Context(), r, p); err != nil {
		t.Errorf("no lock file: %v", err)
	}
	r.Files = fstest.MapFS{"inputs.lock/file": {}}
	if _, err := withInputs(t.Context(), r, p); err == nil || !strings.Contains(err.Error(), `recipe "mine": reading pinned inputs: `) {
		t.Errorf("a directory of that name: %v", err)
	}
}
