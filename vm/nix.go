package vm

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"fromsource/vm/agent"
)

// Places in a guest.
const (
	recipeDir = "/recipe"
	srcsDir   = "/srcs"
	nixConf   = "/etc/nix/nix.conf"
)

// nixConf is the guest's nix.conf. Substitution is off in every way there is,
// and a build without its sandbox is an error and not a fallback.
func (s *session) nixConf(m *Machine) string {
	paths := "/bin/sh=" + agent.SandboxShell
	if len(s.r.Inputs) > 0 {
		paths += " " + srcsDir
	}
	lines := append([]string{
		"sandbox = true",
		"sandbox-fallback = false",
		"sandbox-paths = " + paths,
		"substitute = false",
		"substituters =",
		"builders =",
		"build-users-group = nixbld",
		fmt.Sprintf("max-jobs = %d", max(m.cfg.CPUs, 1)),
		"cores = 0",
		"experimental-features = nix-command flakes",
		// The disk is thrown away with the guest.
		"fsync-metadata = false",
		"log-lines = 40",
	}, s.o.NixOptions...)
	return strings.Join(lines, "\n") + "\n"
}

// configure writes nix.conf.
func (m *Machine) configure(ctx context.Context, conf string) error {
	if err := m.Put(ctx, nixConf, 0o644, strings.NewReader(conf)); err != nil {
		return fmt.Errorf("configuring Nix in the guest: %w", err)
	}
	return nil
}

// PutTree copies a tree of files into a directory of the guest. Of modes only
// the executable bit is kept: it is all that Nix keeps, and what embedded
// files lack.
func (m *Machine) PutTree(ctx context.Context, dir string, files fs.FS) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeTar(w, files)) }()
	defer r.Close()
	errs := newTailWriter(2 << 10)
	code, err := m.Run(ctx, Cmd{
		Argv:  []string{"sh", "-c", `mkdir -p "$1" && exec busybox tar -x -f - -C "$1"`, "sh", dir},
		Stdin: r, Stderr: errs,
	})
	if err == nil && code != 0 {
		err = fmt.Errorf("tar: exit status %d: %s", code, errs.lines(3))
	}
	if err != nil {
		return fmt.Errorf("copying files to %q in the guest: %w", dir, err)
	}
	return nil
}

func writeTar(w io.Writer, files fs.FS) error {
	t := tar.NewWriter(w)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		h := &tar.Header{Name: name, Mode: 0o644, Format: tar.FormatGNU}
		switch {
		case d.IsDir():
			h.Typeflag, h.Mode, h.Name = tar.TypeDir, 0o755, name+"/"
			return t.WriteHeader(h)
		case d.Type()&fs.ModeSymlink != 0:
			h.Typeflag = tar.TypeSymlink
			if h.Linkname, err = fs.ReadLink(files, name); err != nil {
				return err
			}
			return t.WriteHeader(h)
		case !d.Type().IsRegular():
			return fmt.Errorf("%q is neither a file nor a directory nor a link", name)
		}
		if fi.Mode()&0o111 != 0 {
			h.Mode = 0o755
		}
		h.Size = fi.Size()
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		f, err := files.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(t, f)
		return err
	})
	if err != nil {
		return err
	}
	return t.Close()
}

// words are the fields of a program's output.
func (m *Machine) words(ctx context.Context, argv ...string) ([]string, error) {
	out, err := m.Output(ctx, argv...)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out)), nil
}
