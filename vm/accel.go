package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fromsource/vm/image"
	"fromsource/vm/qemu"
)

// Verdict is how guests are run on this machine, and why.
type Verdict struct {
	// Accel is qemu.KVM or qemu.TCG.
	Accel string `json:"accel"`
	// Why is one line for the log.
	Why string `json:"why"`
}

// What a guest on KVM may take to say hello before KVM is given up: of the
// processor, where real ones take a second and a broken one often all that
// there is for ever, and of time, for one that waits for nothing. Time alone
// would not tell a broken one from a machine that is busy elsewhere.
const (
	probeCPU     = 8 * time.Second
	probeTimeout = time.Minute
)

// kvmDevice is what KVM is opened by.
const kvmDevice = "/dev/kvm"

// Accelerate decides between KVM and emulation. want is qemu.KVM or qemu.TCG
// to have it so, or empty to find out.
//
// That the device can be opened says little: inside some virtual machines it
// opens and then aborts QEMU, or runs a guest so slowly that it never shows
// its first line. So a guest is booted, and KVM is trusted when that guest
// says hello in time. The verdict is kept in dir until this machine boots
// again or QEMU changes.
func Accelerate(ctx context.Context, want, dir string, img *image.Image) (Verdict, error) {
	switch want {
	case qemu.KVM, qemu.TCG:
		return Verdict{want, "asked for"}, nil
	case "", "auto":
	default:
		return Verdict{}, fmt.Errorf("accelerator %q is neither %q nor %q nor %q", want, qemu.KVM, qemu.TCG, "auto")
	}
	f, err := os.OpenFile(kvmDevice, os.O_RDWR, 0)
	if err != nil {
		return Verdict{qemu.TCG, fmt.Sprintf("no KVM: %v", err)}, nil
	}
	if err := f.Close(); err != nil {
		return Verdict{}, err
	}
	where, err := fingerprint()
	if err != nil {
		return Verdict{}, err
	}
	name := filepath.Join(dir, "kvm.json")
	if v, ok := recall(name, where); ok {
		return v, nil
	}
	v, err := probe(ctx, Config{Image: img, BootTimeout: probeTimeout, BootCPU: probeCPU})
	if err != nil {
		return Verdict{}, err
	}
	return v, remember(name, where, v)
}

// probe boots a small guest on KVM. Its error is about the probe, not about
// KVM.
func probe(ctx context.Context, c Config) (Verdict, error) {
	c.Accel, c.CPUs, c.MemoryMB = qemu.KVM, 1, 512
	m, err := Boot(ctx, c)
	switch {
	case ctx.Err() != nil:
		return Verdict{}, ctx.Err()
	case errors.Is(err, qemu.ErrNoQEMU):
		return Verdict{}, err
	case err != nil:
		// An abort comes with an assertion of QEMU's behind its message.
		why, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
		return Verdict{qemu.TCG, fmt.Sprintf("%s opens, but a guest on it failed: %s", kvmDevice, why)}, nil
	}
	took := m.BootTime
	if err := m.Close(); err != nil {
		return Verdict{qemu.TCG, fmt.Sprintf("%s opens, but a guest on it did not end well: %v", kvmDevice, err)}, nil
	}
	return Verdict{qemu.KVM, fmt.Sprintf("a guest on it said hello in %v", took.Round(time.Millisecond))}, nil
}

// kept is a verdict on disk.
type kept struct {
	// Where tells the boot of the host and the QEMU that it holds for.
	Where string `json:"where"`
	Verdict
}

// fingerprint is what a verdict depends on.
func fingerprint() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("telling this boot from others: %w", err)
	}
	bin, err := qemu.Find()
	if err != nil {
		return "", err
	}
	fi, err := os.Stat(bin)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %d %d", strings.TrimSpace(string(b)), bin, fi.Size(), fi.ModTime().Unix()), nil
}

// recall reads a verdict; one that can't be read is as none.
func recall(name, where string) (Verdict, bool) {
	b, err := os.ReadFile(name)
	if err != nil {
		return Verdict{}, false
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil || k.Where != where || (k.Accel != qemu.KVM && k.Accel != qemu.TCG) {
		return Verdict{}, false
	}
	return k.Verdict, true
}

func remember(name, where string, v Verdict) error {
	b, err := json.MarshalIndent(kept{where, v}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return replace(name, append(b, '\n')) // two may be deciding at once
}
