package qemu

import (
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func base() Config {
	return Config{
		Accel: TCG, CPUs: 2, MemoryMB: 1024, Kernel: "/i/vmlinuz", Initrd: "/i/initrd.img",
		DiskSerial: "work", PortName: "fromsource",
	}
}

func TestArgs(t *testing.T) {
	kvm := base()
	kvm.Accel, kvm.Wiring = KVM, inherited(true)
	probe := base()
	probe.Accel, probe.CPUs, probe.Wiring = KVM, 0, inherited(false)
	net := base()
	net.Network, net.Clock, net.Append, net.CPU = true, "2030-01-01T00:00:00", []string{"fromsource.net"}, "max"
	net.Wiring = inherited(true)
	varied := base()
	varied.Clock, varied.Extra = "2030-01-01T00:00:00", []string{"-rtc", "base=2031-03-07T19:43:11"}
	varied.Wiring = inherited(true)
	hand := base()
	hand.Wiring = ByHand()
	for name, c := range map[string]Config{"kvm": kvm, "probe": probe, "network": net, "varied": varied, "by-hand": hand} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(Args(c), "\n") + "\n"
			file := "testdata/" + name + ".golden"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// A comma in a path must not become another option.
func TestArgsEscape(t *testing.T) {
	c := base()
	c.DiskSerial = "work,readonly=on"
	c.Wiring = Wiring{Port: "null", QMP: "null", Console: "null", Disk: "/tmp/a,format=qcow2"}
	all := strings.Join(Args(c), " ")
	if !strings.Contains(all, "file=/tmp/a,,format=qcow2,format=raw") || !strings.Contains(all, "serial=work,,readonly=on") {
		t.Error(all)
	}
}

// What Shell prints, a shell reads as the same words.
func TestShell(t *testing.T) {
	args := []string{"-append", "console=ttyS0 quiet", "-x", "it's", "", "a\\b", "$HOME", "-y"}
	line := Shell("printf", append([]string{`%s\n`}, args...))
	out, err := exec.Command("sh", "-c", line).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(args, "\n") + "\n"; string(out) != want {
		t.Errorf("%s\ngives %q, want %q", line, out, want)
	}
}

func TestTail(t *testing.T) {
	var all strings.Builder
	w := newTail(10, &all)
	for range 100 {
		if _, err := w.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.String(); got != "cabcabcabc" || all.Len() != 300 || len(w.buf) > 23 {
		t.Errorf("tail %q of %d bytes, %d kept", got, all.Len(), len(w.buf))
	}
}

// Of several -E mke2fs believes the last alone: they are made one.
func TestMke2fsArgs(t *testing.T) {
	got := strings.Join(mke2fsArgs([]string{"-E", "hash_seed=clear", "-L", "work"}), " ")
	want := "-q -F -t ext4 -O ^has_journal -m 0 -L work -E root_owner=0:0,lazy_itable_init=1,nodiscard,hash_seed=clear"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f, err := NewDisk(t.Context(), t.TempDir(), 64<<20, "-E", "hash_seed=5cba8b52-8b8d-4d49-b4dc-7c3b1e5f6a90")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// The superblock is at 1024, its hash seed at 0xec (ext4: on-disk layout).
	seed := make([]byte, 16)
	if _, err := f.ReadAt(seed, 1024+0xec); err != nil || hex.EncodeToString(seed) != "5cba8b528b8d4d49b4dc7c3b1e5f6a90" {
		t.Errorf("hash seed %x, %v", seed, err)
	}
}
