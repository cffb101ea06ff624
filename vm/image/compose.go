package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// keepInitrds is how many composed archives stay beside a base, those in use
// not counted: each build of fromsource has its own.
const keepInitrds = 4

// compose gives the archive that the kernel unpacks: the base, and behind it
// an archive with the agent as /init. It is kept, with its hash, and verified
// each time; where it is not what was written it is made again from the base,
// and where that is damaged the error is ErrDamaged.
//
// The archive is locked for as long as img is there: a guest that is booted
// later, or once more, finds it, however many others were composed meanwhile.
func compose(img *Image, agent string) (string, error) {
	name, err := composed(img, agent)
	if err != nil {
		return "", err
	}
	if img.held, err = os.Open(name); err == nil {
		err = unix.Flock(int(img.held.Fd()), unix.LOCK_SH)
	}
	if err != nil {
		return "", fmt.Errorf("keeping the guest's archive: %w", err)
	}
	return name, prune(img.Dir)
}

func composed(img *Image, agent string) (string, error) {
	id, size, err := hashFile(agent)
	if err != nil {
		return "", fmt.Errorf("reading the agent: %w", err)
	}
	name := filepath.Join(img.Dir, "initrd-"+id[:16]+".img")
	note := name + ".sha256"
	if want, err := os.ReadFile(note); err == nil {
		got, _, err := hashFile(name)
		if err == nil && got == strings.TrimSpace(string(want)) {
			now := time.Now()
			_ = os.Chtimes(note, now, now) // marks it as used; harmless if it fails
			return name, nil
		}
	}
	if err := img.verify("base.cpio"); err != nil {
		return "", err
	}
	err = writeTo(name, func(w io.Writer) error {
		base, err := os.Open(filepath.Join(img.Dir, "base.cpio"))
		if err != nil {
			return err
		}
		defer base.Close()
		if _, err := io.Copy(w, base); err != nil {
			return err
		}
		return WriteCPIO(w, []Entry{{Name: "init", Mode: 0o755, Size: size, Data: func() (io.ReadCloser, error) { return os.Open(agent) }}})
	})
	if err != nil {
		return "", err
	}
	got, _, err := hashFile(name)
	if err != nil {
		return "", err
	}
	if err := writeTo(note, func(w io.Writer) error { _, err := io.WriteString(w, got+"\n"); return err }); err != nil {
		return "", err
	}
	return name, nil
}

// prune removes the composed archives that were not used for longest, but for
// those that are held.
func prune(dir string) error {
	notes, err := filepath.Glob(filepath.Join(dir, "initrd-*.img.sha256"))
	if err != nil {
		return err
	}
	age := map[string]time.Time{}
	for _, n := range notes {
		if fi, err := os.Stat(n); err == nil {
			age[n] = fi.ModTime()
		}
	}
	slices.SortFunc(notes, func(a, b string) int { return age[b].Compare(age[a]) })
	for i, n := range notes {
		if i < keepInitrds {
			continue
		}
		archive := strings.TrimSuffix(n, ".sha256")
		if f, err := os.Open(archive); err == nil {
			err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
			_ = f.Close() // nobody else takes one up: we have the cache's lock
			if err != nil {
				continue
			}
		}
		for _, f := range []string{n, archive} {
			if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// List gives the cached images, by key, without verifying their archives.
// Directories that hold no readable manifest are given with a zero Manifest.
func List(dir string) ([]*Image, error) {
	all, err := os.ReadDir(filepath.Join(dir, "images"))
	if errors.Is(err, fs.ErrNotExist) {
		return []*Image{}, nil
	}
	if err != nil {
		return nil, err
	}
	imgs := []*Image{}
	for _, e := range all {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		img, err := open(dir, e.Name())
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				return nil, err
			}
			img = &Image{Key: e.Name(), Dir: filepath.Join(dir, "images", e.Name())}
		}
		imgs = append(imgs, img)
	}
	return imgs, nil
}

// Remove deletes a cached image by key, or all of the cache when key is "".
func Remove(dir, key string) error {
	if key == "" {
		for _, d := range []string{"images", "debs", "apt"} {
			if err := os.RemoveAll(filepath.Join(dir, d)); err != nil {
				return err
			}
		}
		return nil
	}
	if strings.ContainsAny(key, "/\x00") || key[0] == '.' {
		return fmt.Errorf("%q is not the name of an image", key)
	}
	p := filepath.Join(dir, "images", key)
	if _, err := os.Stat(p); err != nil {
		return fmt.Errorf("no image %q: %w", key, err)
	}
	return os.RemoveAll(p)
}
