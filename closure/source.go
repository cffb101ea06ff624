package closure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A source gives the text of derivations by their store paths.
type source interface {
	// begin names the derivations to start from.
	begin(ctx context.Context) (beginning, error)
	// read returns the ATerm text of a derivation, in buf if that is large
	// enough. errors.Is(err, fs.ErrNotExist) if the source has it not.
	read(ctx context.Context, drv string, buf []byte) ([]byte, error)
	// locate names the file that a derivation is read from, for messages.
	locate(drv string) string
	// storeDir is known after begin.
	storeDir() string
}

type beginning struct {
	roots   []string // what was asked for
	listed  []string // what there is; roots are those that nothing consumes
	skipped []Skip
}

// dirSource reads derivation files that lie in one directory: a store, or a
// folder that they were copied to.
type dirSource struct {
	dir     *os.File
	max     int64
	logical string
	only    []string // file names; nil for all
}

func openDir(dir string, o Options, only []string) (*dirSource, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.IsDir() {
		f.Close()
		return nil, errors.Join(err, fmt.Errorf("%q: %w", dir, unix.ENOTDIR))
	}
	return &dirSource{dir: f, max: o.maxSize(), only: only}, nil
}

func (s *dirSource) begin(context.Context) (beginning, error) {
	names := s.only
	if names == nil {
		all, err := s.dir.Readdirnames(-1)
		if err != nil {
			return beginning{}, fmt.Errorf("listing %q: %w", s.dir.Name(), err)
		}
		for _, n := range all {
			if strings.HasSuffix(n, ".drv") {
				names = append(names, n)
			}
		}
	}
	s.logical = s.guessStoreDir(names)
	paths := make([]string, len(names))
	for i, n := range names {
		paths[i] = s.logical + "/" + n
	}
	if s.only != nil {
		return beginning{roots: paths}, nil
	}
	return beginning{listed: paths}, nil
}

// guessStoreDir looks at derivations until one names a store path. A chroot
// store's and a copied folder's place on disk is not what its paths say.
func (s *dirSource) guessStoreDir(names []string) string {
	var p parser
	for _, n := range names[:min(len(names), 64)] {
		data, err := s.file(n, nil)
		if err != nil {
			continue
		}
		if d, err := p.parse(n, data); err == nil {
			if dir := storeDirOf(d); dir != "" {
				return dir
			}
		}
	}
	return defaultStoreDir
}

const defaultStoreDir = "/nix/store"

func (s *dirSource) storeDir() string { return s.logical }

func (s *dirSource) locate(drv string) string { return filepath.Join(s.dir.Name(), path.Base(drv)) }

func (s *dirSource) read(_ context.Context, drv string, buf []byte) ([]byte, error) {
	if len(drv) <= len(s.logical)+1 || drv[:len(s.logical)] != s.logical || drv[len(s.logical)] != '/' {
		return nil, fmt.Errorf("%q: %w", drv, fs.ErrNotExist)
	}
	name := drv[len(s.logical)+1:]
	if strings.Contains(name, "/") {
		return nil, fmt.Errorf("%q: %w", drv, fs.ErrNotExist)
	}
	return s.file(name, buf)
}

// file reads one file, with as few system calls as it takes: on a large
// closure opening files is the limit.
func (s *dirSource) file(name string, buf []byte) ([]byte, error) {
	// O_NONBLOCK: a pipe of that name must not make us wait.
	fd, err := retry(func() (int, error) {
		return unix.Openat(int(s.dir.Fd()), name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: filepath.Join(s.dir.Name(), name), Err: err}
	}
	defer unix.Close(fd)
	n := 0
	if buf = buf[:cap(buf)]; len(buf) > 0 {
		n, err = retry(func() (int, error) { return unix.Read(fd, buf) })
		// A derivation that is shorter than the buffer is there whole: a
		// regular file gives less than what was asked for only at its end.
		if err == nil && 0 < n && n < len(buf) && int64(n) <= s.max && buf[n-1] == ')' {
			return buf[:n], nil
		}
	}
	return s.rest(fd, name, buf, max(n, 0))
}

// rest reads on in a file of which n bytes were read, or says why that can't
// be done.
func (s *dirSource) rest(fd int, name string, buf []byte, n int) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: filepath.Join(s.dir.Name(), name), Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return nil, &SyntaxError{File: name, Expected: "a file, not a directory"}
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, &SyntaxError{File: name, Expected: "a regular file"}
	case st.Size > s.max:
		return nil, &SyntaxError{File: name, Offset: s.max, Expected: fmt.Sprintf("the end within %d bytes", s.max)}
	}
	if int64(len(buf)) < st.Size {
		larger := make([]byte, max(st.Size, 32<<10))
		copy(larger, buf[:n])
		buf = larger
	}
	for int64(n) < st.Size {
		m, err := retry(func() (int, error) { return unix.Read(fd, buf[n:st.Size]) })
		if err != nil {
			return buf[:n], &fs.PathError{Op: "read", Path: filepath.Join(s.dir.Name(), name), Err: err}
		}
		if m == 0 {
			break
		}
		n += m
	}
	return buf[:n], nil
}

func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
