package closure

import (
	"context"
	"fmt"
	"io/fs"
)

// Derivation reads a derivation again, in full. The result is the caller's.
func (g *Graph) Derivation(i ID) (*Derivation, error) {
	p := g.Path(i)
	if g.Missing(i) {
		return nil, fmt.Errorf("reading derivation %q: %w", p, fs.ErrNotExist)
	}
	data, err := g.src.read(context.Background(), p, nil)
	if err != nil {
		return nil, fmt.Errorf("reading derivation %q: %w", p, err)
	}
	return ParseATerm(p, data)
}
