package image

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/ulikunitz/xz"
)

// What the guest's kernel must be able to drive, and what it may.
var (
	requiredModules = []string{"virtio_pci", "virtio_blk", "virtio_console", "ext4"}
	optionalModules = []string{"virtio_rng", "virtio_net", "pvpanic_pci"}
)

// module is one kernel module, as it is loaded: decompressed.
type module struct {
	path string // merged, without the suffix of a compression
	data []byte
	deps []string
	// soft are modules that are loaded before it where they are there.
	soft []string
}

// pickModules finds modules and their dependencies in the pool, in the order
// in which they must be loaded. A module that is built into the kernel needs
// no file; a required one that is neither is an error.
func pickModules(p *pool) ([]module, error) {
	files := map[string]string{}
	builtin := map[string]bool{}
	for name, f := range p.files {
		if !strings.HasPrefix(name, "usr/lib/modules/") {
			continue
		}
		base := path.Base(name)
		if base == "modules.builtin" {
			b, err := io.ReadAll(p.open(f))
			if err != nil {
				return nil, err
			}
			for _, line := range strings.Fields(string(b)) {
				builtin[moduleName(path.Base(line))] = true
			}
			continue
		}
		if n := moduleName(base); n != "" {
			files[n] = name
		}
	}
	var order []module
	state := map[string]int{} // 1 on the way, 2 done
	var visit func(name string, depth int) error
	visit = func(name string, depth int) error {
		if state[name] == 2 || builtin[name] {
			return nil
		}
		if state[name] == 1 || depth > 32 {
			return fmt.Errorf("kernel module %s depends on itself", name)
		}
		file, ok := files[name]
		if !ok {
			return fmt.Errorf("the kernel package has no module %s", name)
		}
		state[name] = 1
		m, err := readModule(p, file)
		if err != nil {
			return fmt.Errorf("kernel module %s: %w", name, err)
		}
		for _, d := range m.deps {
			if err := visit(d, depth+1); err != nil {
				return err
			}
		}
		for _, d := range m.soft {
			// A checksum is asked for by its alias crypto-NAME, and what
			// computes it on every processor is called NAME_generic.
			for _, d := range []string{d, strings.TrimPrefix(d, "crypto_") + "_generic"} {
				if _, ok := files[d]; ok && state[d] == 0 {
					if err := visit(d, depth+1); err != nil {
						return err
					}
				}
			}
		}
		state[name] = 2
		order = append(order, m)
		return nil
	}
	for _, name := range requiredModules {
		if err := visit(name, 0); err != nil {
			return nil, err
		}
	}
	for _, name := range optionalModules {
		if _, ok := files[name]; ok {
			if err := visit(name, 0); err != nil {
				return nil, err
			}
		}
	}
	return order, nil
}

// moduleName is a module's name by its file's, "" for other files. The kernel
// takes dashes and underscores for the same.
func moduleName(base string) string {
	base = strings.TrimSuffix(base, ".xz")
	n, ok := strings.CutSuffix(base, ".ko")
	if !ok {
		return ""
	}
	return strings.ReplaceAll(n, "-", "_")
}

// readModule reads a module and, from its .modinfo, what it depends on:
// modules.dep is not in the package but made when it is installed.
func readModule(p *pool, name string) (module, error) {
	m := module{path: strings.TrimSuffix(name, ".xz")}
	var r io.Reader = p.open(p.files[name])
	if m.path != name {
		x, err := xz.NewReader(r)
		if err != nil {
			return m, err
		}
		r = x
	}
	const most = 64 << 20 // the largest modules there are have 20 MB
	var err error
	if m.data, err = io.ReadAll(io.LimitReader(r, most+1)); err != nil {
		return m, err
	}
	if len(m.data) > most {
		return m, fmt.Errorf("more than %d bytes", most)
	}
	f, err := elf.NewFile(bytes.NewReader(m.data))
	if err != nil {
		return m, err
	}
	s := f.Section(".modinfo")
	if s == nil {
		return m, fmt.Errorf("no .modinfo section")
	}
	info, err := s.Data()
	if err != nil {
		return m, err
	}
	for field := range bytes.SplitSeq(info, []byte{0}) {
		if v, ok := bytes.CutPrefix(field, []byte("depends=")); ok && len(v) > 0 {
			for _, d := range strings.Split(string(v), ",") {
				m.deps = append(m.deps, strings.ReplaceAll(d, "-", "_"))
			}
		}
		// "pre: A B post: C", as in modprobe.d(5).
		if v, ok := bytes.CutPrefix(field, []byte("softdep=")); ok {
			before := false
			for _, d := range strings.Fields(string(v)) {
				switch {
				case strings.HasSuffix(d, ":"):
					before = d == "pre:"
				case before:
					m.soft = append(m.soft, strings.ReplaceAll(d, "-", "_"))
				}
			}
		}
	}
	slices.Sort(m.deps)
	return m, nil
}
