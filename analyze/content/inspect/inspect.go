// Package inspect is the content stage by itself, as `fromsource inspect`
// offers it: which compiled members some files, directories, archives or store
// paths carry. Its report is the schema fromsource/inspect/v1.
package inspect

import (
	"context"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
)

// Schema names the version of the report. Keys may be added to a version; none
// is renamed or removed.
const Schema = "fromsource/inspect/v1"

// Report is the answer for all inputs, in the order in which they were named.
// The same bytes give the same report.
type Report struct {
	Schema string  `json:"schema"`
	Tool   Tool    `json:"tool"`
	Inputs []Input `json:"inputs"`
}

// Tool is what made the report.
type Tool struct {
	// Detector is the version of the tables: results of the same detector on
	// the same bytes are the same.
	Detector string `json:"detector"`
}

// Input is what one path carries.
type Input struct {
	Path string `json:"path"`
	// Kinds are those of the members, sorted.
	Kinds   []audit.Kind `json:"kinds"`
	Members []Member     `json:"members"`
	Skipped []Skip       `json:"skipped"`
	// Files and Bytes count what was read, after decompression.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Error says why the input could not be read at all.
	Error string `json:"error,omitempty"`
}

// Member is a compiled file, at any depth.
type Member struct {
	Path       string           `json:"path"`
	Kind       audit.Kind       `json:"kind"`
	Format     string           `json:"format"`
	Confidence audit.Confidence `json:"confidence"`
	Size       int64            `json:"size"`
	// SHA256 is absent where a binary was found too far into a text.
	SHA256 string `json:"sha256,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Embedded marks text that carries a binary.
	Embedded bool    `json:"embedded,omitempty"`
	Prints   []Print `json:"prints,omitempty"`
}

// Print is a fingerprint of part of a member.
type Print struct {
	What string `json:"what"`
	Sum  string `json:"sum"`
}

// Skip is what could not be looked at, and why.
type Skip struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Run inspects paths, on all cores; o.Visit is not used. The error is for a
// walk that was cancelled; a path that cannot be read has its Error set.
func Run(ctx context.Context, paths []string, o content.Options) (Report, error) {
	o.Visit = nil
	r := Report{Schema: Schema, Tool: Tool{content.Version}, Inputs: make([]Input, len(paths))}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	merges := make([]merge, len(paths))
	for i, p := range paths {
		names, skipped, err := content.Files(p)
		if err != nil {
			r.Inputs[i].Error = err.Error()
			continue
		}
		merges[i].parts = make([]content.Result, len(names))
		merges[i].skipped = skipped
		for k, name := range names {
			g.Go(func() error {
				res, err := content.InspectIn(ctx, p, name, o)
				if err != nil && ctx.Err() == nil {
					merges[i].fail(err)
					return nil
				}
				merges[i].parts[k] = res
				return err
			})
		}
	}
	err := g.Wait()
	for i, p := range paths {
		failed := r.Inputs[i].Error
		r.Inputs[i] = merges[i].input(p)
		if failed != "" {
			r.Inputs[i].Error = failed
		}
	}
	if err != nil {
		return r, fmt.Errorf("inspecting: %w", err)
	}
	return r, nil
}

// merge puts the results of an input's files together.
type merge struct {
	mu      sync.Mutex
	parts   []content.Result
	skipped []content.Skip
	err     error
}

func (m *merge) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *merge) input(path string) Input {
	in := Input{Path: path, Kinds: []audit.Kind{}, Members: []Member{}, Skipped: []Skip{}}
	if m.err != nil {
		in.Error = m.err.Error()
	}
	for _, s := range m.skipped {
		in.Skipped = append(in.Skipped, Skip(s))
	}
	for i := range m.parts {
		p := m.parts[i]
		m.parts[i] = content.Result{} // as a member it has what is needed
		in.Files += p.Files
		in.Bytes += p.Bytes
		for _, s := range p.Skipped {
			in.Skipped = append(in.Skipped, Skip(s))
		}
		for _, f := range p.Members {
			in.Members = append(in.Members, newMember(f))
			if !slices.Contains(in.Kinds, f.Kind) {
				in.Kinds = append(in.Kinds, f.Kind)
			}
		}
	}
	slices.Sort(in.Kinds)
	slices.SortStableFunc(in.Members, func(a, b Member) int { return strings.Compare(a.Path, b.Path) })
	slices.SortStableFunc(in.Skipped, func(a, b Skip) int { return strings.Compare(a.Path, b.Path) })
	return in
}

func newMember(f content.File) Member {
	m := Member{
		Path: f.Path, Kind: f.Kind, Format: f.Format, Confidence: f.Confidence, Size: f.Size,
		Detail: f.Detail, Embedded: f.Embedded,
	}
	if f.SHA256 != [32]byte{} {
		m.SHA256 = hex.EncodeToString(f.SHA256[:])
	}
	for _, p := range f.Code {
		m.Prints = append(m.Prints, Print{p.What, p.Sum})
	}
	return m
}

// Clean is true where everything was looked at and nothing compiled found.
func (r Report) Clean() bool {
	return !slices.ContainsFunc(r.Inputs, func(in Input) bool {
		return len(in.Members) > 0 || len(in.Skipped) > 0 || in.Error != ""
	})
}

// Incomplete is true where something could not be looked at.
func (r Report) Incomplete() bool {
	return slices.ContainsFunc(r.Inputs, func(in Input) bool { return len(in.Skipped) > 0 || in.Error != "" })
}

// Failed is true where an input could not be read at all.
func (r Report) Failed() bool {
	return slices.ContainsFunc(r.Inputs, func(in Input) bool { return in.Error != "" })
}
