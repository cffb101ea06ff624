package closure

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fromsource/closure/store"
)

// Detect makes an Input of what a user names: a file, a directory, a URL or a
// flake reference; "-" is standard input. form, one of the constants, says
// what it is; "" looks at it. A binary cache may be followed by "#" and the
// store path of the derivation to start from, a derivation by the outputs that
// are wanted of it, as nix-instantiate prints them.
func Detect(name, form string) (Input, error) {
	name = WithoutOutputs(name)
	switch form {
	case "":
		return detect(name)
	case FormDrv:
		return DrvInput(name, ""), nil
	case FormDir:
		return DirInput(name), nil
	case FormExport:
		return ExportInput(name), nil
	case FormJSON:
		return JSONInput(name), nil
	case FormCache:
		return cacheWithRoot(name), nil
	case FormFlake:
		return FlakeInput(name), nil
	}
	return Input{}, fmt.Errorf("input form %q: expected one of drv, dir, export, json, cache, flake", form)
}

func cacheWithRoot(name string) Input {
	if cache, root, ok := strings.Cut(name, "#"); ok {
		return CacheInput(cache, root)
	}
	return CacheInput(name)
}

func detect(name string) (Input, error) {
	switch st, err := os.Stat(name); {
	case name == "-":
		return detectFile(name)
	case err == nil && st.IsDir():
		return detectDir(name)
	case err == nil:
		return detectFile(name)
	case !errors.Is(err, fs.ErrNotExist):
		return Input{}, fmt.Errorf("looking at input: %w", err)
	}
	before, root, ok := strings.Cut(name, "#")
	isURL := strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "file:")
	switch {
	case ok && strings.HasPrefix(root, "/") && (isURL || isDir(before)):
		return CacheInput(before, root), nil
	case ok, flakeScheme(name):
		return FlakeInput(name), nil
	case isURL:
		return CacheInput(name), nil
	}
	return Input{}, fmt.Errorf("looking at input %q: %w", name, fs.ErrNotExist)
}

// WithoutOutputs is a name without the outputs that it selects of a derivation,
// as nix-instantiate prints them (x.drv!dev) and nix takes them (x.drv^dev,man).
// What is there under the whole name is that.
func WithoutOutputs(name string) string {
	i := strings.LastIndexAny(name, "!^")
	if i < 0 || !strings.HasSuffix(name[:i], ".drv") || strings.Contains(name[i:], "/") {
		return name
	}
	if _, err := os.Lstat(name); err == nil {
		return name
	}
	return name[:i]
}

// flakeScheme reports whether a name starts like a flake reference that needs
// no attribute.
func flakeScheme(name string) bool {
	scheme, _, ok := strings.Cut(name, ":")
	if !ok {
		return false
	}
	switch scheme, _, _ = strings.Cut(scheme, "+"); scheme {
	case "flake", "github", "gitlab", "sourcehut", "git", "hg", "tarball", "path":
		return true
	}
	return false
}

func detectDir(name string) (Input, error) {
	if _, err := os.Stat(filepath.Join(name, "nix-cache-info")); err == nil {
		return CacheInput(name), nil
	}
	if isDir(filepath.Join(name, defaultStoreDir)) {
		return DirInput(name), nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return Input{}, fmt.Errorf("looking at input: %w", err)
	}
	flake := false
	for _, e := range entries {
		switch {
		case strings.HasSuffix(e.Name(), ".drv"):
			return DirInput(name), nil
		case strings.HasSuffix(e.Name(), ".narinfo"):
			return CacheInput(name), nil
		case e.Name() == "flake.nix":
			flake = true
		}
	}
	if flake {
		return FlakeInput(name), nil
	}
	return Input{}, fmt.Errorf("looking at input %q: a directory without .drv files, and neither a store root nor a binary cache", name)
}

func detectFile(name string) (Input, error) {
	if strings.HasSuffix(name, ".nix") {
		return Input{}, fmt.Errorf("looking at input %q: a file of Nix expressions: name an attribute of it to be evaluated (--attr)", name)
	}
	f, err := store.OpenRandom(name)
	if err != nil {
		return Input{}, fmt.Errorf("looking at input: %w", err)
	}
	head := make([]byte, 4096)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		f.Close()
		return Input{}, fmt.Errorf("looking at input: %w", err)
	}
	st, err := os.Stat(name)
	if err == nil && st.Mode().IsRegular() {
		f.Close()
		f = nil
	}
	// What came through a pipe is read from the copy: it comes only once.
	open := func() (*os.File, error) {
		if f != nil {
			return f, nil
		}
		return os.Open(name)
	}
	switch sniff(head[:n]) {
	case FormDrv:
		if f != nil {
			f.Close()
			return Input{}, fmt.Errorf("input %q: a derivation has to be a file, beside those it needs", name)
		}
		return DrvInput(name, ""), nil
	case FormExport:
		return exportInput(name, open), nil
	case FormJSON:
		return jsonInput(name, open), nil
	}
	if f != nil {
		f.Close()
	} else if strings.HasSuffix(name, ".drv") {
		return DrvInput(name, ""), nil // it will say what is wrong with it
	}
	return Input{}, fmt.Errorf("looking at input %q: byte 0: expected a derivation, a stream of nix-store --export or JSON of nix derivation show", name)
}

// sniff tells a file's form by its beginning; "" if it is none of ours.
func sniff(head []byte) string {
	if bytes.HasPrefix(head, []byte("Derive(")) || bytes.HasPrefix(head, []byte("DrvWithVersion(")) {
		return FormDrv
	}
	if len(head) >= 8 {
		switch first := binary.LittleEndian.Uint64(head); {
		case first == 0 && len(head) == 8,
			first == 1 && bytes.HasPrefix(head[8:], []byte("\x0d\x00\x00\x00\x00\x00\x00\x00nix-archive-1")):
			return FormExport
		}
	}
	if t := bytes.TrimLeft(head, " \t\r\n"); len(t) > 0 && t[0] == '{' {
		return FormJSON
	}
	return ""
}
