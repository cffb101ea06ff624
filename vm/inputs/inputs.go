// Package inputs brings the pinned inputs of a build onto the host, from the
// package managers that serve them by name and version: Debian source and
// binary packages by apt-get, npm packages by npm. The package managers'
// own configuration says where they are served from; nothing of the host is
// changed and no privilege is needed.
//
// A lock file pins each input by version and SHA-256. What arrives is checked
// against it, kept in a cache keyed by the hash, and never asked for again.
//
// To pin another version, change version and sha256 of the entry and fetch:
// the error says which sha256 arrived. An assembled input is pinned anew in
// the same way, after the packages that it is made of.
package inputs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Input is a file that is ready to be offered to a build.
type Input struct {
	// Name is what the build calls it.
	Name string
	// Path is where it is on the host. It is not to be written to.
	Path   string
	SHA256 string
}

// Event is a step of Fetch: an input is there now.
type Event struct {
	Name string
	// Done of Total are there, this one included. Packages that only
	// assembled inputs are made of count too.
	Done, Total int
	// Cached is true for what was there before.
	Cached bool
}

// Progress is told of events, one at a time.
type Progress func(Event)

// CacheDir is the folder below the user's cache directory where inputs are
// kept unless a caller says otherwise.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache directory: %w", err)
	}
	return filepath.Join(dir, "fromsource", "inputs"), nil
}

// Fetch returns the inputs of a lock file in its order, assembled ones last,
// after fetching into dir what is not there yet. progress may be nil.
//
// A pinned version that is no longer served is an *UnservedError, other bytes
// than the pinned ones a *MismatchError; several of them come joined.
func Fetch(ctx context.Context, lock *Lock, dir string, progress Progress) ([]Input, error) {
	c, err := openCache(dir)
	if err != nil {
		return nil, err
	}
	f := &fetcher{lock: lock, cache: c, progress: progress, archives: archives}
	if err := f.run(ctx); err != nil {
		return nil, fmt.Errorf("fetching inputs: %w", err)
	}
	var all []Input
	for _, p := range lock.Inputs {
		if !p.Part {
			all = append(all, Input{p.Name, c.path(p.SHA256, p.Name), p.SHA256})
		}
	}
	for _, a := range lock.Assembled {
		all = append(all, Input{a.Name, c.path(a.SHA256, a.Name), a.SHA256})
	}
	return all, nil
}

type fetcher struct {
	lock  *Lock
	cache *cache
	// archives finds where Debian packages come from.
	archives func(context.Context, *debian) ([]archive, error)

	mu          sync.Mutex
	progress    Progress
	done, total int
}

func (f *fetcher) run(ctx context.Context) error {
	var pins []*Pin
	var missing []*Assembly
	var cached []string
	parts := map[string]bool{} // packages that an assembly to be made needs
	for i := range f.lock.Assembled {
		a := &f.lock.Assembled[i]
		f.total++
		if f.cache.has(a.SHA256, a.Name) {
			cached = append(cached, a.Name)
			continue
		}
		missing = append(missing, a)
		for _, file := range a.Files {
			parts[file.Package] = true
		}
	}
	for i := range f.lock.Inputs {
		p := &f.lock.Inputs[i]
		if p.Part && !parts[p.Package] {
			continue
		}
		f.total++
		if f.cache.has(p.SHA256, p.Name) {
			cached = append(cached, p.Name)
			continue
		}
		pins = append(pins, p)
	}
	for _, name := range cached {
		f.report(name, true)
	}
	if err := f.fetch(ctx, pins); err != nil {
		return err
	}
	for _, a := range missing {
		if err := f.assemble(ctx, a); err != nil {
			return fmt.Errorf("assembling %q: %w", a.Name, err)
		}
	}
	return nil
}

// fetch brings pins into the cache, both package managers at a time.
func (f *fetcher) fetch(ctx context.Context, pins []*Pin) error {
	var debian, npm []*Pin
	for _, p := range pins {
		if p.Kind == NPM {
			npm = append(npm, p)
		} else {
			debian = append(debian, p)
		}
	}
	// Not the group's context: if both have something to say about their
	// pins, both are heard.
	var group errgroup.Group
	var errs [2]error
	group.Go(func() error { errs[0] = f.from(ctx, debian, f.fetchDebian); return nil })
	group.Go(func() error { errs[1] = f.from(ctx, npm, f.fetchNPM); return nil })
	_ = group.Wait()
	return errors.Join(errs[:]...)
}

// from lets get download pins into a folder and takes them from there.
func (f *fetcher) from(ctx context.Context, pins []*Pin, get func(context.Context, string, []*Pin) error) error {
	if len(pins) == 0 {
		return nil
	}
	dir, err := f.cache.temp()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := get(ctx, dir, pins); err != nil {
		return err
	}
	files, err := hashFiles(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range pins {
		file, ok := files[p.SHA256]
		if !ok {
			errs = append(errs, mismatch(p, files))
			continue
		}
		if err := f.cache.put(file, p.SHA256, p.Name); err != nil {
			return err
		}
		f.report(p.Name, false)
	}
	return errors.Join(errs...)
}

func (f *fetcher) assemble(ctx context.Context, a *Assembly) error {
	debs := map[string]string{}
	for _, p := range f.lock.Inputs {
		if p.Kind == DebianBinary {
			debs[p.Package] = f.cache.path(p.SHA256, p.Name)
		}
	}
	dir, err := f.cache.temp()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file, err := os.Create(filepath.Join(dir, a.Name))
	if err != nil {
		return err
	}
	err = assemble(ctx, file, a, debs)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	got, err := hashFile(file.Name())
	if err != nil {
		return err
	}
	if got != a.SHA256 {
		return &MismatchError{Name: a.Name, Line: a.Line, Want: a.SHA256, Got: got, Assembled: true}
	}
	if err := f.cache.put(file.Name(), a.SHA256, a.Name); err != nil {
		return err
	}
	f.report(a.Name, false)
	return nil
}

func (f *fetcher) report(name string, cached bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done++
	if f.progress != nil {
		f.progress(Event{Name: name, Done: f.done, Total: f.total, Cached: cached})
	}
}
