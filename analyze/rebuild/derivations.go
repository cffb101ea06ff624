package rebuild

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"fromsource/closure"
	"fromsource/closure/store"
)

// Marks of nix-store --export (nix: src/libstore/export-import.cc).
const (
	exportNext  = 1
	exportMagic = 0x4558494e
)

// WriteDerivations writes, as a stream for nix-store --import, what a second
// machine may have in common with the first: the derivations of a closure and
// their sources, and no output. s has their bytes.
func WriteDerivations(ctx context.Context, w io.Writer, g *closure.Graph, s store.Store) error {
	infos := map[string]registration{}
	var paths []string
	add := func(p string) error {
		if _, seen := infos[p]; seen {
			return nil
		}
		if _, made := g.Producer(p); made {
			return fmt.Errorf("writing derivations: %q is an output and used as a source", p)
		}
		info, err := s.Info(ctx, p)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("writing derivations: %w", err)
		}
		if err != nil {
			return fmt.Errorf("writing derivations: reading %q: %w", p, err)
		}
		infos[p] = registration{Path: p, Refs: info.References}
		paths = append(paths, p)
		return nil
	}
	for _, id := range g.Topo() {
		if g.Missing(id) {
			return fmt.Errorf("writing derivations: %q is not at hand", g.Path(id))
		}
		for _, src := range g.InputSrcs(id) {
			if err := add(src); err != nil {
				return err
			}
		}
		if err := add(g.Path(id)); err != nil {
			return err
		}
	}
	// Sources may refer to sources that nothing else names.
	for i := 0; i < len(paths); i++ {
		for _, ref := range infos[paths[i]].Refs {
			if err := add(ref); err != nil {
				return err
			}
		}
	}
	var all []registration
	for _, p := range paths {
		all = append(all, infos[p])
	}
	x := exportWriter{w: w}
	for _, part := range ordered(all, paths) {
		for _, p := range part {
			if err := x.path(ctx, s, infos[p]); err != nil {
				return fmt.Errorf("writing derivations: %q: %w", p, err)
			}
		}
	}
	x.number(0)
	return x.err
}

// exportWriter writes an export stream; its first error stays.
type exportWriter struct {
	w   io.Writer
	err error
}

func (x *exportWriter) write(b []byte) {
	if x.err == nil {
		_, x.err = x.w.Write(b)
	}
}

func (x *exportWriter) number(n uint64) { x.write(binary.LittleEndian.AppendUint64(nil, n)) }

// text is a length and the bytes, padded with zeroes to eight.
func (x *exportWriter) text(s string) {
	x.number(uint64(len(s)))
	x.write([]byte(s + strings.Repeat("\x00", (8-len(s)%8)%8)))
}

func (x *exportWriter) path(ctx context.Context, s store.Store, r registration) error {
	nar, err := s.NAR(ctx, r.Path)
	if err != nil {
		return err
	}
	x.number(exportNext)
	if x.err == nil {
		_, x.err = io.Copy(x.w, nar)
	}
	if err := nar.Close(); x.err == nil {
		x.err = err
	}
	x.number(exportMagic)
	x.text(r.Path)
	x.number(uint64(len(r.Refs)))
	for _, ref := range r.Refs {
		x.text(ref)
	}
	x.text("") // no deriver
	x.number(0)
	return x.err
}
