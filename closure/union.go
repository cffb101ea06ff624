package closure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// UnionInput is several inputs read as one closure, of the same store
// directory. A derivation that several of them have is read from the first.
func UnionInput(inputs ...Input) Input {
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.name
	}
	return Input{"union", strings.Join(names, " "), func(ctx context.Context, o Options) (source, error) {
		var u unionSource
		for _, in := range inputs {
			if in.open == nil {
				return nil, errors.New("no input given")
			}
			s, err := in.open(ctx, o)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", in, err)
			}
			u = append(u, s)
		}
		if len(u) == 0 {
			return nil, errors.New("no input given")
		}
		return u, nil
	}}
}

type unionSource []source

// begin starts from what all of them start from. A listing among them has no
// roots of its own: then the derivations that nothing consumes are the roots.
func (u unionSource) begin(ctx context.Context) (beginning, error) {
	all := beginning{roots: true}
	for _, s := range u {
		b, err := s.begin(ctx)
		if err != nil {
			return beginning{}, err
		}
		all.paths = append(all.paths, b.paths...)
		all.skipped = append(all.skipped, b.skipped...)
		all.roots = all.roots && b.roots
		if got, want := s.storeDir(), u[0].storeDir(); got != want {
			return beginning{}, fmt.Errorf("inputs of different store directories: %q and %q", want, got)
		}
	}
	return all, nil
}

func (u unionSource) read(ctx context.Context, drv string, buf []byte) ([]byte, error) {
	data, err := u[0].read(ctx, drv, buf)
	for _, s := range u[1:] {
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		data, err = s.read(ctx, drv, buf)
	}
	return data, err
}

func (u unionSource) locate(drv string) string { return u[0].locate(drv) }

func (u unionSource) storeDir() string { return u[0].storeDir() }
