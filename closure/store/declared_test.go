package store

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckDeclared(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "nix/store")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const name = "00000000000000000000000000000000-x"
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(strings.Repeat("bytes of a download ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	nixHash := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("nix-hash", append(args, file)...).Output()
		if err != nil {
			t.Fatalf("nix-hash: %v", err)
		}
		return strings.TrimSpace(string(out))
	}
	s, err := OpenLocal(root)
	if err != nil {
		t.Fatal(err)
	}
	ctx, p := context.Background(), "/nix/store/"+name
	for _, algo := range []string{"md5", "sha1", "sha256", "sha512"} {
		flat, nar := nixHash("--flat", "--type", algo), nixHash("--type", algo)
		if err := CheckDeclared(ctx, s, p, algo, flat); err != nil {
			t.Errorf("%s of the file: %v", algo, err)
		}
		if err := CheckDeclared(ctx, s, p, "r:"+algo, nar); err != nil {
			t.Errorf("%s of the NAR: %v", algo, err)
		}
		if err := CheckDeclared(ctx, s, p, "r:"+algo, flat); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s of the NAR, told that of the file: %v, want a mismatch", algo, err)
		}
	}
	if err := CheckDeclared(ctx, s, p, "blake9", "00"); err == nil || errors.Is(err, ErrMismatch) {
		t.Errorf("an unknown algorithm: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := CheckDeclared(ctx, s, p, "sha256", strings.Repeat("0", 64)); !errors.Is(err, ErrNotFile) {
		t.Errorf("a directory where a file was declared: %v", err)
	}
}
