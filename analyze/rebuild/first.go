package rebuild

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// first adds to rebuilt outputs what the builder's own store has on record of
// the first build. An output that is not there is no error.
func (n *Nix) first(ctx context.Context, j *Job, outs []BuiltOutput) error {
	var realised map[string]string
	for i := range outs {
		p := j.Outputs[i].Path
		if p == "" {
			if realised == nil {
				var err error
				if realised, err = n.realisations(ctx, j.Drv); err != nil {
					return err
				}
			}
			p = realised[outs[i].Name]
		}
		if p == "" {
			continue
		}
		r, ok, err := n.record(ctx, p)
		if err != nil {
			return fmt.Errorf("reading the hash of the first build of %q: %w", p, err)
		}
		if ok {
			outs[i].First = First{
				Output: outs[i].Name, Path: p, NarHash: r.sri(), NarSize: r.Size,
				Open: n.dump(n.physical(n.Store, p)),
			}
		}
	}
	return nil
}

// realisations asks which paths the content-addressed outputs of a derivation
// had when they were built first, by output name. A line is "ID!OUTPUT PATH"
// (an output is set off by "^" in newer versions).
func (n *Nix) realisations(ctx context.Context, drv string) (map[string]string, error) {
	argv := []string{"nix", "--extra-experimental-features", "nix-command ca-derivations"}
	if n.Store != "" {
		argv = append(argv, "--store", n.Store)
	}
	paths := map[string]string{}
	// To older versions (2.8 was tried) a derivation's path stands for its
	// outputs; to newer ones (2.26) it is the derivation, and the outputs are
	// asked for by a form that older ones do not know.
	for _, what := range []string{drv, drv + "^*"} {
		out, err := output(ctx, n.Runner, Cmd{Argv: append(slices.Clip(argv), "realisation", "info", what), Env: n.Env})
		if err != nil && !ranAndFailed(err) {
			return nil, fmt.Errorf("asking for the first build of %q: %w", drv, err)
		}
		for line := range strings.Lines(string(out)) {
			id, p, ok := strings.Cut(strings.TrimSpace(line), " ")
			i := strings.LastIndexAny(id, "!^")
			if ok && i >= 0 && strings.HasPrefix(p, "/") {
				paths[id[i+1:]] = p
			}
		}
		if len(paths) > 0 {
			break
		}
	}
	return paths, nil
}
