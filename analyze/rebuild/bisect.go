package rebuild

import (
	"context"
	"slices"
)

// Bisect finds which variations break reproducibility, given that all of them
// together do. broke builds under some of them and reports whether the result
// is another one.
//
// It is delta debugging (Zeller and Hildebrandt, 2002): a smallest set that
// breaks is found by halving, then what is left is tried without it, until it
// no longer breaks. A set of two or more that only breaks together is found
// as such. For one culprit among n, about 2·log2(n) builds are made; those
// first that need no other machine.
func Bisect(ctx context.Context, all []Variation, broke func(context.Context, []Variation) (bool, error)) ([]Variation, error) {
	known := map[string]bool{names(all): true}
	test := func(vs []Variation) (bool, error) {
		if len(vs) == 0 {
			return false, nil // the caller has seen that it does not break
		}
		key := names(vs)
		if b, ok := known[key]; ok {
			return b, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		b, err := broke(ctx, vs)
		if err == nil {
			known[key] = b
		}
		return b, err
	}
	var culprits []Variation
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b Variation) int {
		switch {
		case a.OfMachine() == b.OfMachine():
			return 0
		case b.OfMachine():
			return -1
		}
		return 1
	})
	known[names(sorted)] = true
	for rest := sorted; ; {
		if b, err := test(rest); err != nil {
			return nil, err
		} else if !b {
			break
		}
		found, err := smallest(rest, test)
		if err != nil {
			return nil, err
		}
		culprits = append(culprits, found...)
		rest = without(rest, found)
	}
	// In the order in which they were given.
	return slices.DeleteFunc(slices.Clone(all), func(v Variation) bool {
		return !slices.ContainsFunc(culprits, func(c Variation) bool { return c.Name == v.Name })
	}), nil
}

// smallest finds a set that breaks and of which no member can be left out.
func smallest(vs []Variation, test func([]Variation) (bool, error)) ([]Variation, error) {
	for parts := 2; len(vs) > 1; {
		chunks := split(vs, parts)
		reduced := false
		for _, complement := range []bool{false, true} {
			if complement && parts == 2 {
				break // the complement of a half is the other half
			}
			for _, c := range chunks {
				try := c
				if complement {
					try = without(vs, c)
				}
				b, err := test(try)
				if err != nil {
					return nil, err
				}
				if b {
					vs, reduced = try, true
					parts = 2
					if complement {
						parts = max(len(chunks)-1, 2)
					}
					break
				}
			}
			if reduced {
				break
			}
		}
		if !reduced {
			if parts >= len(vs) {
				break
			}
			parts = min(2*parts, len(vs))
		}
	}
	return vs, nil
}

// split cuts a list into n parts of about the same length.
func split(vs []Variation, n int) [][]Variation {
	var parts [][]Variation
	for i := range n {
		lo, hi := i*len(vs)/n, (i+1)*len(vs)/n
		if lo < hi {
			parts = append(parts, vs[lo:hi])
		}
	}
	return parts
}

func without(vs, drop []Variation) []Variation {
	return slices.DeleteFunc(slices.Clone(vs), func(v Variation) bool {
		return slices.ContainsFunc(drop, func(d Variation) bool { return d.Name == v.Name })
	})
}
