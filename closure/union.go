package closure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// UnionInput is several inputs read as one closure, of the same store
// directory. A derivation that several of them have is read from the first;
// what one lacks is looked for in the others.
func UnionInput(inputs ...Input) Input {
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.name
	}
	return Input{FormUnion, strings.Join(names, " "), func(ctx context.Context, o Options) (source, error) {
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

// begin starts from what all of them start from: what was asked for stays a
// root, of what was merely listed those are that nothing consumes.
func (u unionSource) begin(ctx context.Context) (all beginning, err error) {
	for _, s := range u {
		b, err := s.begin(ctx)
		if err != nil {
			return all, err
		}
		all.roots = append(all.roots, b.roots...)
		all.listed = append(all.listed, b.listed...)
		all.skipped = append(all.skipped, b.skipped...)
		if got, want := s.storeDir(), u[0].storeDir(); got != want {
			return all, fmt.Errorf("inputs of different store directories: %q and %q", want, got)
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

// locate asks again who has the derivation: it is needed for messages only.
func (u unionSource) locate(drv string) string {
	for _, s := range u {
		if _, err := s.read(context.Background(), drv, nil); !errors.Is(err, fs.ErrNotExist) {
			return s.locate(drv)
		}
	}
	return u[0].locate(drv)
}

func (u unionSource) storeDir() string { return u[0].storeDir() }
