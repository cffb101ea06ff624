package inputs

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"sort"
	"strings"

	"github.com/nix-community/go-nix/pkg/nar"
	"github.com/ulikunitz/xz"
)

// entry is one file of an assembled archive.
type entry struct {
	path       string
	link       string // the target, for a symbolic link
	executable bool
	data       []byte
}

// maxEntry bounds one file taken from a package; the largest that the demo
// takes is C's library, at 2.4 MB.
const maxEntry = 64 << 20

// assemble writes the archive that a describes to w. debs maps a package to
// its file on disk. The result depends on the packages' content and on the
// xz encoder (pinned by go.sum), not on the time, user or file system.
func assemble(ctx context.Context, w io.Writer, a *Assembly, debs map[string]string) error {
	entries, err := pick(ctx, a.Files, debs)
	if err != nil {
		return err
	}
	// A dictionary of 8 MiB, the size of xz -6: what small guests can afford.
	compress, err := xz.WriterConfig{DictCap: 8 << 20, CheckSum: xz.CRC64}.NewWriter(w)
	if err != nil {
		return err
	}
	switch a.Format {
	case "tar.xz":
		err = writeTar(compress, entries)
	case "nar.xz":
		err = writeNAR(compress, entries)
	default:
		err = fmt.Errorf("unknown format %q", a.Format)
	}
	if err != nil {
		return err
	}
	return compress.Close()
}

// pick collects the files, sorted by path; each package is read once.
func pick(ctx context.Context, files []Pick, debs map[string]string) ([]entry, error) {
	byPackage := map[string][]Pick{}
	for _, f := range files {
		byPackage[f.Package] = append(byPackage[f.Package], f)
	}
	var all []entry
	for _, name := range sortedKeys(byPackage) {
		got, err := pickFrom(ctx, debs[name], byPackage[name])
		if err != nil {
			return nil, fmt.Errorf("taking files from package %q: %w", name, err)
		}
		all = append(all, got...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].path < all[j].path })
	for i := 1; i < len(all); i++ {
		if all[i].path == all[i-1].path {
			return nil, fmt.Errorf("two files want to be %q", all[i].path)
		}
	}
	return all, nil
}

func pickFrom(ctx context.Context, deb string, picks []Pick) (entries []entry, err error) {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	var stderr limited
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	entries, err = pickTar(tar.NewReader(out), picks)
	// Wait needs the pipe drained, or dpkg-deb ends by SIGPIPE.
	_, _ = io.Copy(io.Discard, out)
	if werr := cmd.Wait(); werr != nil {
		return nil, errors.Join(err, fmt.Errorf("dpkg-deb --fsys-tarfile %q: %w: %s", deb, werr, stderr.String()))
	}
	return entries, err
}

func pickTar(tr *tar.Reader, picks []Pick) ([]entry, error) {
	var entries []entry
	used := make([]bool, len(picks))
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(path.Clean(h.Name), "./")
		for i, p := range picks {
			to, ok := p.target(name)
			if !ok || (h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeSymlink) {
				continue
			}
			e := entry{path: to, link: h.Linkname, executable: h.Typeflag == tar.TypeReg && h.Mode&0o111 != 0}
			if h.Typeflag == tar.TypeReg {
				if h.Size > maxEntry {
					return nil, fmt.Errorf("%q has %d bytes, at most %d are taken", name, h.Size, maxEntry)
				}
				if e.data, err = io.ReadAll(tr); err != nil {
					return nil, fmt.Errorf("reading %q: %w", name, err)
				}
			}
			used[i] = true
			entries = append(entries, e)
			break
		}
	}
	for i, ok := range used {
		if !ok {
			return nil, fmt.Errorf("it has no %q", picks[i].Path)
		}
	}
	return entries, nil
}

// target says where p puts the file called name.
func (p Pick) target(name string) (string, bool) {
	if !strings.HasSuffix(p.Path, "/") {
		return p.To, name == p.Path
	}
	rest, ok := strings.CutPrefix(name, p.Path)
	return p.To + rest, ok && rest != ""
}

// writeTar writes plain ustar, which every unpacker knows, with one time and
// one owner for all.
func writeTar(w io.Writer, entries []entry) error {
	tw := tar.NewWriter(w)
	for _, dir := range folders(entries) {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: epoch, Format: tar.FormatUSTAR}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
	}
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.path, Mode: 0o644, Size: int64(len(e.data)), ModTime: epoch, Format: tar.FormatUSTAR}
		if e.executable {
			h.Mode = 0o755
		}
		if e.link != "" {
			h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, e.link, 0o777
		}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if _, err := tw.Write(e.data); err != nil {
			return err
		}
	}
	return tw.Close()
}

// writeNAR writes the tree as a Nix archive.
func writeNAR(w io.Writer, entries []entry) error {
	headers := []*nar.Header{{Path: "/", Type: nar.TypeDirectory}}
	data := map[string][]byte{}
	for _, dir := range folders(entries) {
		headers = append(headers, &nar.Header{Path: "/" + dir, Type: nar.TypeDirectory})
	}
	for _, e := range entries {
		h := &nar.Header{Path: "/" + e.path, Type: nar.TypeRegular, Size: int64(len(e.data)), Executable: e.executable}
		if e.link != "" {
			h = &nar.Header{Path: "/" + e.path, Type: nar.TypeSymlink, LinkTarget: e.link}
		}
		headers, data[h.Path] = append(headers, h), e.data
	}
	// A NAR lists a folder's entries by name and each folder's content right
	// after it: the order of paths compared component by component.
	sort.SliceStable(headers, func(i, j int) bool {
		return strings.ReplaceAll(headers[i].Path, "/", "\x00") < strings.ReplaceAll(headers[j].Path, "/", "\x00")
	})
	nw, err := nar.NewWriter(w)
	if err != nil {
		return err
	}
	for _, h := range headers {
		if err := nw.WriteHeader(h); err != nil {
			return err
		}
		if _, err := nw.Write(data[h.Path]); err != nil {
			return err
		}
	}
	return nw.Close()
}

// folders lists every folder that the entries need, parents first.
func folders(entries []entry) []string {
	set := map[string]bool{}
	for _, e := range entries {
		for dir := path.Dir(e.path); dir != "."; dir = path.Dir(dir) {
			set[dir] = true
		}
	}
	return sortedKeys(set)
}
