package trace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

const (
	// MaxCache is how many bytes of walks are kept, of all detectors together.
	// The walks of a NixOS installer's closure are some tens of megabytes.
	MaxCache = 2 << 30
	// MaxCacheAge is how long a walk is kept that nobody uses.
	MaxCacheAge = 60 * 24 * time.Hour
	// pruneEvery is how often a directory is looked through.
	pruneEvery = 24 * time.Hour
	// marker is the file whose time says when that was.
	marker = "pruned"
)

// kept matches the files that Fingerprints writes, from its directory on, and
// those that it was writing when it was killed. Anything else in the directory
// is not ours.
var kept = regexp.MustCompile(`^[0-9a-f]{16}/[0-9a-f]{2}/([0-9a-f]{62}|\.new-[0-9]+)$`)

// Prune removes walks that were not used for MaxCacheAge, and then the ones
// that were not used for longest until the rest is within MaxCache. It does so
// at most once a day. An audit goes on without what it can't remove.
func (p *Fingerprints) Prune(now time.Time) error {
	if p == nil || p.root == "" {
		return nil
	}
	mark := filepath.Join(p.root, marker)
	if st, err := os.Stat(mark); err == nil && now.Sub(st.ModTime()) < pruneEvery && !st.ModTime().After(now) {
		return nil
	}
	err := prune(p.root, now, MaxCacheAge, MaxCache)
	if _, gone := os.Stat(p.root); gone == nil {
		err = errors.Join(err, os.WriteFile(mark, nil, 0o644), os.Chtimes(mark, now, now))
	}
	if err != nil {
		return fmt.Errorf("pruning fingerprints: %w", err)
	}
	return nil
}

func prune(root string, now time.Time, maxAge time.Duration, maxBytes int64) error {
	type entry struct {
		name string
		size int64
		used time.Time
	}
	var all []entry
	var total int64
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // another audit was faster
			}
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil || !d.Type().IsRegular() || !kept.MatchString(filepath.ToSlash(rel)) {
			return err
		}
		st, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		all = append(all, entry{name, st.Size(), st.ModTime()})
		total += st.Size()
		return nil
	})
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.name, b.name)) })
	for _, e := range all {
		if total <= maxBytes && now.Sub(e.used) <= maxAge {
			break
		}
		if rm := os.Remove(e.name); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
			err = errors.Join(err, rm)
			continue
		}
		total -= e.size
		// Directories go when they are empty, and not before.
		_ = os.Remove(filepath.Dir(e.name))
		_ = os.Remove(filepath.Dir(filepath.Dir(e.name)))
	}
	return err
}
