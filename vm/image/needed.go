package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// libraryDirs are where the guest's dynamic loader looks, as merged names.
var libraryDirs = []string{"usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib"}

// chooser picks from a pool what a set of programs needs to run.
type chooser struct {
	pool    *pool
	chosen  map[string]*pooled
	todo    []string
	missing []string
}

func newChooser(p *pool) *chooser {
	return &chooser{pool: p, chosen: map[string]*pooled{}}
}

// want adds a file, with the links that lead to it.
func (c *chooser) want(name string) bool {
	way, _, ok := c.pool.resolve(name)
	if !ok {
		return false
	}
	for _, n := range way {
		if c.chosen[n] == nil {
			c.chosen[n] = c.pool.files[n]
			c.todo = append(c.todo, n)
		}
	}
	return true
}

// close adds what the chosen ELF files name as NEEDED or as interpreter,
// until nothing is new. What can't be found is an error that lists it all.
func (c *chooser) close() error {
	for len(c.todo) > 0 {
		name := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		f := c.chosen[name]
		if !f.mode.IsRegular() {
			continue
		}
		needs, err := elfNeeds(c.pool.open(f))
		if err != nil {
			return fmt.Errorf("reading %q of package %s: %w", name, f.pkg, err)
		}
		if needs == nil {
			continue
		}
		if needs.interp != "" && !c.want(merged(needs.interp)) {
			c.missing = append(c.missing, needs.interp+" for "+name)
		}
		dirs := slices.Clone(libraryDirs)
		for _, d := range needs.runpath {
			dirs = append(dirs, merged(strings.ReplaceAll(d, "$ORIGIN", "/"+path.Dir(name))))
		}
		for _, lib := range needs.libs {
			if !slices.ContainsFunc(dirs, func(d string) bool { return c.want(path.Join(d, lib)) }) {
				c.missing = append(c.missing, lib+" for "+name)
			}
		}
	}
	if len(c.missing) > 0 {
		slices.Sort(c.missing)
		return fmt.Errorf("the packages lack %s", strings.Join(c.missing, ", "))
	}
	return nil
}

type elfNeed struct {
	interp  string
	libs    []string
	runpath []string
}

// elfNeeds reads what an ELF file asks of the dynamic loader; nil for a file
// that is not ELF.
func elfNeeds(r io.ReaderAt) (*elfNeed, error) {
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if string(magic[:]) != elf.ELFMAG {
		return nil, nil
	}
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	n := &elfNeed{}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < 4096 {
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err != nil {
				return nil, err
			}
			n.interp = strings.TrimRight(string(b), "\x00")
		}
	}
	if n.libs, err = f.ImportedLibraries(); err != nil {
		return nil, err
	}
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		all, err := f.DynString(tag)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			n.runpath = append(n.runpath, strings.Split(s, ":")...)
		}
	}
	return n, nil
}

// CheckStatic says whether a program can be process 1 of a guest: it must be
// a statically linked Linux program for the guest's architecture.
func CheckStatic(name string) error {
	f, err := elf.Open(name)
	if err != nil {
		return fmt.Errorf("the guest's agent %s: %w", name, err)
	}
	defer f.Close()
	if f.Machine != elf.EM_X86_64 {
		return fmt.Errorf("the guest's agent %s is a program for %v, the guest is x86-64", name, f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("the guest's agent %s is dynamically linked: build fromsource with CGO_ENABLED=0", name)
		}
	}
	return nil
}
