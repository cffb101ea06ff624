package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"fromsource/vm/tmpfile"
)

// Mke2fsArgs make a file system that is ready at once and has no journal: it
// is thrown away with its machine.
var Mke2fsArgs = []string{
	"-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0",
	"-E", "root_owner=0:0,lazy_itable_init=1,nodiscard",
}

// NewDisk makes an empty ext4 file system of so many bytes in a sparse file
// that has no name: when the last process that has it open ends, however it
// ends, the space is given back. dir says on which file system, extra are
// further arguments of mke2fs.
func NewDisk(ctx context.Context, dir string, size int64, extra ...string) (_ *os.File, err error) {
	mke2fs, err := findMke2fs()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := tmpfile.Unnamed(dir)
	if err != nil {
		return nil, fmt.Errorf("making the guest's disk in %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error is the one to report
		}
	}()
	if err := f.Truncate(size); err != nil {
		return nil, fmt.Errorf("making the guest's disk in %s: %w", dir, err)
	}
	cmd := exec.CommandContext(ctx, mke2fs, append(mke2fsArgs(extra), "/proc/self/fd/3")...)
	cmd.ExtraFiles = []*os.File{f}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making the guest's disk: mke2fs: %w: %s", err, out)
	}
	return f, nil
}

// mke2fsArgs adds to the arguments of mke2fs. Of several -E it takes the last
// alone, so they are made one.
func mke2fsArgs(extra []string) []string {
	var args, extended []string
	for all := append(append([]string{}, Mke2fsArgs...), extra...); len(all) > 0; all = all[1:] {
		if all[0] == "-E" && len(all) > 1 {
			all = all[1:]
			extended = append(extended, all[0])
			continue
		}
		args = append(args, all[0])
	}
	return append(args, "-E", strings.Join(extended, ","))
}

// findMke2fs looks in the directories of administrators too, which a user's
// PATH may lack.
func findMke2fs() (string, error) {
	if p, err := exec.LookPath("mke2fs"); err == nil {
		return p, nil
	}
	for _, p := range []string{"/usr/sbin/mke2fs", "/sbin/mke2fs"} {
		if fi, err := os.Stat(p); err == nil && fi.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	return "", errors.New("the guest's disk is made by mke2fs, which is neither in PATH nor in /usr/sbin (Debian's package is e2fsprogs)")
}
