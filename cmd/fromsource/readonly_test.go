package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// readOnlyDir is a folder that not even root can write to: a read-only mount
// for root, a mode for others.
func readOnlyDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		if err := os.Chmod(dir, 0o555); err != nil { // it is to be readable
			t.Fatal(err)
		}
		return dir
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=64k"); err != nil {
		t.Fatalf("mounting a read-only folder: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestReadOnlyOutput: a folder of results that can't be written to is said
// before any work is done, and named.
func TestReadOnlyOutput(t *testing.T) {
	dir := readOnlyDir(t)
	drv := filepath.Join(t.TempDir(), "00000000000000000000000000000000-x.drv")
	text := `Derive([("out","/nix/store/00000000000000000000000000000000-x","","")],[],[],"x86_64-linux","/bin/sh",[],[("out","/nix/store/00000000000000000000000000000000-x")])`
	if err := os.WriteFile(drv, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"audit", "--out", dir},
		{"scan", "--out", dir, drv},
		{"scan", "--format", "json", "-o", filepath.Join(dir, "audit.json"), drv},
	} {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), newEnv(strings.NewReader(""), &stdout, &stderr), args)
		if code != exitFailed || !strings.Contains(stderr.String(), dir) {
			t.Errorf("fromsource %q: exit code %d, want %d and the folder's name in:\n%s", args, code, exitFailed, stderr.String())
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("fromsource %q left %v (%v)", args, left, err)
		}
		if args[0] == "audit" && strings.Contains(stderr.String(), "fetch inputs") {
			t.Errorf("fromsource %q began its work first:\n%s", args, stderr.String())
		}
	}
}
