package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"fromsource/vm/wire"
)

// put answers a put request: the file appears under its name only when it is
// complete.
func put(m wire.Msg, in io.Reader, done *wire.Msg) (err error) {
	if !filepath.IsAbs(m.Path) {
		return fmt.Errorf("put %q: path is not absolute", m.Path)
	}
	if err := os.MkdirAll(filepath.Dir(m.Path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(m.Path), ".put-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	h := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(f, h)}, in, make([]byte, 256<<10))
	if err != nil {
		return fmt.Errorf("put %q: %w", m.Path, err)
	}
	if err := f.Chmod(os.FileMode(m.Mode).Perm()); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("put %q: %w", m.Path, err)
	}
	if err := os.Rename(f.Name(), m.Path); err != nil {
		return err
	}
	done.Size, done.SHA256 = n, hex.EncodeToString(h.Sum(nil))
	return nil
}

// get answers a get request with the bytes of a regular file.
func get(m wire.Msg, out *wire.Outgoing, done *wire.Msg) error {
	f, err := os.Open(m.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil {
		return err
	} else if !fi.Mode().IsRegular() {
		return fmt.Errorf("get %q: not a regular file", m.Path)
	}
	h := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(out, h)}, struct{ io.Reader }{f}, make([]byte, 256<<10))
	if err != nil {
		return fmt.Errorf("get %q: %w", m.Path, err)
	}
	if err := out.Close(); err != nil {
		return err
	}
	done.Size, done.SHA256 = n, hex.EncodeToString(h.Sum(nil))
	return nil
}
