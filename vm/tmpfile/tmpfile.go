// Package tmpfile makes files without a name: whatever ends a program, there
// is nothing to clean up.
package tmpfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Unnamed makes an empty file on the file system of dir, open for reading and
// writing. Where that file system has no files without a name, it is one whose
// name is gone at once.
func Unnamed(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), "unnamed file"), nil
	}
	// What kernels say of it that, or whose file systems, do not know the flag.
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EINVAL) {
		return nil, fmt.Errorf("making a temporary file in %s: %w", dir, err)
	}
	return removed(dir)
}

// removed makes a file and takes its name away.
func removed(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, ".unnamed-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close() // the first error is the one to report
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	return f, nil
}
