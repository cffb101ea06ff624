package vm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"fromsource/vm/qemu"
)

// A kernel that panics at boot under emulation is tried once more, and that is
// said; one that always does is an error. QEMU is a stand-in that takes the
// initramfs away from the real one, some times: the kernel then finds no root.
func TestPanicAtBoot(t *testing.T) {
	bin, err := exec.LookPath(qemu.Binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, panics := range []int{1, 9} {
		t.Run(fmt.Sprint(panics), func(t *testing.T) {
			dir := t.TempDir()
			script := fmt.Sprintf(`#!/bin/sh
echo x >> %[1]s/starts
[ $(wc -l < %[1]s/starts) -gt %[2]d ] && exec %[3]s "$@"
for a; do
  shift
  if [ "$a" = -initrd ]; then skip=yes
  elif [ "$skip" ]; then skip=
  else set -- "$@" "$a"; fi
done
exec %[3]s "$@"
`, dir, panics, bin)
			if err := os.WriteFile(filepath.Join(dir, qemu.Binary), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			said := ""
			o := smallOptions()
			o.Progress = func(e Event) { said += e.Text + "\n" }
			m, err := Open(t.Context(), Recipe{
				Name: "again", Files: fstest.MapFS{"default.nix": {Data: []byte("{}")}}, Expr: "default.nix", MemoryMB: 384, CPUs: 1, DiskGB: 1,
			}, o)
			if m != nil {
				defer m.Close()
			}
			starts, rerr := os.ReadFile(filepath.Join(dir, "starts"))
			if rerr != nil || len(starts) != len("x\n")*2 {
				t.Errorf("QEMU was started by %q, %v, want two times", starts, rerr)
			}
			if !strings.Contains(said, "Kernel panic - not syncing: VFS: Unable to mount root fs") || !strings.Contains(said, ": trying once more\n") {
				t.Errorf("said %q", said)
			}
			if panics == 1 && err != nil || panics > 1 && !errors.Is(err, ErrPanic) {
				t.Errorf("error %v", err)
			}
		})
	}
}
