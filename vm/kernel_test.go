package vm

import (
	"strings"
	"testing"

	"fromsource/vm/image"
)

// A guest with the kernel of another package is one like any other: its disk
// and its channel work, and the kernel is not the first one's.
func TestOtherKernel(t *testing.T) {
	img, err := image.Ensure(t.Context(), image.Options{Agent: testAgent, Kernel: image.OtherKernel})
	if err != nil {
		t.Fatal(err)
	}
	cfg := small(t, Config{DiskMB: 256})
	cfg.Image = img
	m, err := Boot(t.Context(), cfg)
	if err != nil {
		t.Fatalf("booting: %v\n%s", err, consoleOf(err))
	}
	defer m.Close()
	out, err := m.Output(t.Context(), "sh", "-c", "uname -r; grep ' /nix ' /proc/mounts")
	if err != nil || !strings.HasPrefix(string(out), img.Manifest.Kernel+"\n/dev/vda /nix ext4") {
		t.Errorf("%q, %v", out, err)
	}
	if m.Hello.Kernel != img.Manifest.Kernel || m.Hello.Kernel == testImage.Manifest.Kernel {
		t.Errorf("it runs %s, the image has %s, the first one %s", m.Hello.Kernel, img.Manifest.Kernel, testImage.Manifest.Kernel)
	}
	if m.Hello.ExecWatch != "" {
		t.Errorf("what builds execute is not recorded: %s", m.Hello.ExecWatch)
	}
	// It seems to have been up for longer where that is asked for, also to
	// programs with threads.
	out, err = m.Output(t.Context(), "fromsource-uptime", "8640000", "sh", "-c", "nix-store --version && exec cut -d. -f1 /proc/uptime")
	if _, up, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); err != nil || len(up) != 7 {
		t.Errorf("uptime %q, %v", out, err)
	}
}
