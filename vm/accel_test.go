package vm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fromsource/vm/qemu"
)

// The real device of this machine, whatever it is worth: where a guest on it
// says hello KVM is used, where it opens and does not work the verdict says
// what was tried, and either is found out once.
func TestAccelerate(t *testing.T) {
	dir := t.TempDir()
	v, err := Accelerate(t.Context(), "", dir, testImage)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %s", v.Accel, v.Why)
	f, err := os.OpenFile(kvmDevice, os.O_RDWR, 0)
	if err != nil {
		if v.Accel != qemu.TCG || !strings.Contains(v.Why, "no KVM") {
			t.Errorf("verdict %+v without a device", v)
		}
		return
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	switch v.Accel {
	case qemu.KVM:
		if !strings.Contains(v.Why, "said hello in") {
			t.Errorf("trusted because %q", v.Why)
		}
	case qemu.TCG:
		if !strings.Contains(v.Why, "opens, but a guest on it failed") {
			t.Errorf("not trusted because %q", v.Why)
		}
	}
	again, err := Accelerate(t.Context(), "auto", dir, nil) // no image: it can't probe
	if err != nil || again != v {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}

// KVM that opens and is broken, in the two ways that it is: QEMU aborts, or
// runs and never says a word. The device is whatever opens; QEMU is a stand-in
// that fails as was seen, so that this holds on machines with a working KVM.
func TestAccelerateBroken(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"aborts", "echo 'error: failed to set MSR 0x10a' >&2; kill -ABRT $$", "failed to set MSR"},
		{"ends", "exit 1", "exit status 1"},
		{"hangs", "exec sleep 1000", "it does not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bin := t.TempDir()
			if err := os.WriteFile(filepath.Join(bin, qemu.Binary), []byte("#!/bin/sh\n"+c.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			limit := time.Minute
			if c.name == "hangs" {
				limit = time.Second
			}
			v, err := probe(t.Context(), Config{Image: testImage, BootTimeout: limit})
			if err != nil || v.Accel != qemu.TCG || !strings.Contains(v.Why, c.want) {
				t.Errorf("%+v, %v; want %q in it", v, err, c.want)
			}
		})
	}
}

// The second way for real, where this machine has it: a processor model that
// a broken KVM accepts and never runs to the first line. Where KVM works, the
// guest works.
func TestKVMSilent(t *testing.T) {
	f, err := os.OpenFile(kvmDevice, os.O_RDWR, 0)
	if err != nil {
		return // TestAccelerate has that case
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	v, err := Accelerate(t.Context(), "", t.TempDir(), testImage)
	if err != nil {
		t.Fatal(err)
	}
	silent, err := probe(t.Context(), Config{Image: testImage, CPU: "qemu64", BootTimeout: probeTimeout, BootCPU: probeCPU})
	if err != nil || silent.Accel != v.Accel {
		t.Errorf("verdict %+v with another model of processor, %+v with its own, %v", silent, v, err)
	}
	t.Log(silent.Why)
}

func TestAccelerateCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := probe(ctx, Config{Image: testImage}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAccelerateAsked(t *testing.T) {
	for _, want := range []string{qemu.KVM, qemu.TCG} {
		if v, err := Accelerate(t.Context(), want, t.TempDir(), nil); err != nil || v.Accel != want {
			t.Errorf("%q: %+v, %v", want, v, err)
		}
	}
	if _, err := Accelerate(t.Context(), "xen", t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), `"xen"`) {
		t.Errorf("error %v", err)
	}
}

func TestRecall(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sub", "kvm.json")
	v := Verdict{qemu.TCG, "for a reason"}
	if err := remember(name, "here", v); err != nil {
		t.Fatal(err)
	}
	if got, ok := recall(name, "here"); !ok || got != v {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := recall(name, "after another boot"); ok {
		t.Error("a verdict of another boot was trusted")
	}
	for _, b := range []string{"", "{", `{"where":"here","accel":"magic"}`} {
		if err := os.WriteFile(name, []byte(b), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, ok := recall(name, "here"); ok {
			t.Errorf("%q was trusted", b)
		}
	}
}
