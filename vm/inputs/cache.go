package inputs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// cache is a folder of files by hash: DIR/SHA256/NAME. A file appears in it
// whole or not at all.
type cache struct{ dir string }

// tempPrefix begins the names of folders for what is on its way.
const tempPrefix = "tmp-"

func openCache(dir string) (*cache, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the cache of inputs: %w", err)
	}
	c := &cache{dir}
	c.sweep()
	return c, nil
}

// sweep removes what killed processes left. A day is longer than any fetch.
func (c *cache) sweep() {
	left, _ := filepath.Glob(filepath.Join(c.dir, tempPrefix+"*"))
	for _, dir := range left {
		if fi, err := os.Stat(dir); err == nil && time.Since(fi.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(dir)
		}
	}
}

func (c *cache) path(sum, name string) string { return filepath.Join(c.dir, sum, name) }

// has says whether the file is there, whole and unchanged.
func (c *cache) has(sum, name string) bool {
	got, err := hashFile(c.path(sum, name))
	return err == nil && got == sum
}

// temp makes a folder on the cache's own file system.
func (c *cache) temp() (string, error) {
	return os.MkdirTemp(c.dir, tempPrefix)
}

// put moves a file, which hashes to sum, into the cache.
func (c *cache) put(file, sum, name string) error {
	to := c.path(sum, name)
	file, err := owned(file)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.Chmod(file, 0o444)
	}
	if err == nil {
		err = os.Rename(file, to)
	}
	if err != nil {
		return fmt.Errorf("putting %q into the cache: %w", name, err)
	}
	return nil
}

// owned gives a file that may be moved: file, or where that is a symbolic
// link a copy beside it.
func owned(file string) (string, error) {
	fi, err := os.Lstat(file)
	if err != nil || fi.Mode().IsRegular() {
		return file, err
	}
	from, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.Create(file + ".copy")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, from)
	return to.Name(), errors.Join(err, to.Close())
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hashFiles maps the hash of each file in dir to its path. A symbolic link
// counts as what it leads to: apt makes them to archives on the same machine.
func hashFiles(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if fi, err := os.Stat(name); err != nil || !fi.Mode().IsRegular() {
			continue
		}
		sum, err := hashFile(name)
		if err != nil {
			return nil, err
		}
		files[sum] = name
	}
	return files, nil
}

// mismatch says what arrived in the place of p.
func mismatch(p *Pin, files map[string]string) error {
	e := &MismatchError{Name: p.Name, Line: p.Line, Want: p.SHA256}
	// apt names files PACKAGE_VERSION…, npm SCOPE-NAME-VERSION.tgz.
	prefix := p.Package + "_"
	if p.Kind == NPM {
		prefix = strings.ReplaceAll(strings.TrimPrefix(p.Package, "@"), "/", "-") + "-" + p.Version + "."
	}
	for _, sum := range sortedKeys(files) {
		base := filepath.Base(files[sum])
		if base == p.File || (p.File == "" && strings.HasPrefix(base, prefix)) {
			e.Got = sum
		}
	}
	return e
}
