package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"fromsource/vm/image"
	"fromsource/vm/qemu"
)

// What all tests share: the agent alone as the guest's init, and the image,
// kept in the user's cache as it is for users.
var (
	testAgent string
	testImage *image.Image
	testCache string
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == orphanMaker {
		makeOrphan()
		return
	}
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests:", err)
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "fromsource-vm-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	testAgent = filepath.Join(dir, "init")
	// Stripped and without paths: the same bytes each time, so the image is
	// composed once.
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", testAgent, "./agent/testinit")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building the agent: %w: %s", err, out)
	}
	if testCache, err = image.DefaultDir(); err != nil {
		return 0, err
	}
	testImage, err = image.Ensure(context.Background(), image.Options{Agent: testAgent})
	if err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// boot starts a small emulated guest that ends with the test.
func boot(t *testing.T, cfg Config) *Machine {
	t.Helper()
	m, err := Boot(t.Context(), small(t, cfg))
	if err != nil {
		t.Fatalf("booting: %v\n%s", err, consoleOf(err))
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// small fills in the least that a guest needs.
func small(t *testing.T, cfg Config) Config {
	t.Helper()
	cfg.Image, cfg.Accel = testImage, qemu.TCG
	if cfg.CPUs == 0 {
		cfg.CPUs = 1
	}
	if cfg.MemoryMB == 0 {
		cfg.MemoryMB = 384
	}
	if cfg.DiskDir == "" {
		cfg.DiskDir = t.TempDir()
	}
	return cfg
}

// consoleOf is what the guest's console said, where an error has it.
func consoleOf(err error) string {
	var f *Failure
	if errors.As(err, &f) {
		return f.Console
	}
	return ""
}

// smallRecipe builds attr of testdata/small.
func smallRecipe(t *testing.T, attr string) Recipe {
	t.Helper()
	src := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(src, []byte("from the host\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := Recipe{
		Name: "small", Files: os.DirFS("testdata/small"), Expr: "default.nix", Attr: attr,
		MemoryMB: 512, CPUs: 1, DiskGB: 1,
	}
	r.Inputs = append(r.Inputs, recipeInput("source.txt", src, "32004ac815aef63f2c80e94134b683ba9d8b98275959383b29bfb42473004945"))
	return r
}

// smallOptions are the options of tests.
func smallOptions() Options {
	return Options{Agent: testAgent, Accel: qemu.TCG}
}
