package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/rules"
	"fromsource/analyze/trace"
	"fromsource/closure"
	"fromsource/report"
)

// scanOptions are what the command line of scan says.
type scanOptions struct {
	form, attr, name string
	nixArgs          []string
	contents         []string
	noContents       bool
	exec             string
	image            string
	results          resultOptions
}

// resultOptions say where results go, for scan and audit alike.
type resultOptions struct {
	format, output, out string
	strict              bool
	noCache             bool
}

func (r *resultOptions) flags(flags *pflag.FlagSet, format string) {
	flags.StringVarP(&r.format, "format", "f", format, "")
	flags.StringVarP(&r.output, "output", "o", "", "")
	flags.BoolVar(&r.strict, "strict", false, "")
	flags.BoolVar(&r.noCache, "no-cache", false, "")
}

func scanCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	var o scanOptions
	flags.StringVar(&o.form, "form", "", "")
	flags.StringVarP(&o.attr, "attr", "A", "", "")
	flags.StringArrayVar(&o.nixArgs, "nix-arg", nil, "")
	flags.StringVar(&o.name, "name", "", "")
	flags.StringArrayVar(&o.contents, "contents", nil, "")
	flags.BoolVar(&o.noContents, "no-contents", false, "")
	flags.StringVar(&o.exec, "exec", "", "")
	flags.StringVar(&o.image, "image", "", "")
	flags.StringVar(&o.results.out, "out", "", "")
	o.results.flags(flags, "text")
	return func(ctx context.Context, e *env, args []string) error {
		if len(args) == 0 {
			return usageError("scan takes at least one input")
		}
		if o.noContents && len(o.contents) > 0 {
			return usageError("--contents and --no-contents exclude each other")
		}
		if o.noContents && o.image != "" {
			return usageError("--image and --no-contents exclude each other: an image is looked into")
		}
		switch o.form {
		case "", closure.FormDrv, closure.FormDir, closure.FormExport, closure.FormJSON, closure.FormCache, closure.FormFlake:
		default:
			return usageError("--form is drv, dir, export, json, cache or flake, not %q", o.form)
		}
		if o.attr != "" && len(args) != 1 {
			return usageError("-A takes one file of Nix expressions, got %d", len(args))
		}
		f, err := report.Lookup(o.results.format)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		return scan(ctx, e, args, &o, f)
	}
}

func scan(ctx context.Context, e *env, args []string, o *scanOptions, f report.Format) error {
	in, ins, err := scanInput(args, o)
	if err != nil {
		return err
	}
	if o.results.out != "" {
		if err := writableDir(o.results.out); err != nil {
			return err
		}
	}
	if o.image != "" {
		f, err := os.Open(o.image)
		if err != nil {
			return fmt.Errorf("reading the image: %w", err)
		}
		_ = f.Close() // only to know before the work that it can be
	}
	p := newProgress(e)
	defer p.end()
	graph, facts, err := load(ctx, p, in, extractor(in, args))
	if err != nil {
		return err
	}
	req := analyze.Request{Name: o.name, Version: version, Graph: graph, Facts: facts, Progress: p.event}
	if req.Name == "" {
		req.Name = targetName(graph, args)
	}
	if !o.results.noCache {
		req.Cache = cacheDir("fingerprints")
	}
	if !o.noContents {
		s, done, err := contentStores(ctx, e, graph, ins, args, o.contents)
		if err != nil {
			return err
		}
		defer done()
		req.Store = s
	}
	if o.exec != "" {
		if req.Exec, err = readExec(o.exec); err != nil {
			return err
		}
	}
	if o.image != "" {
		req.Image = imageFile(o.image)
	}
	a, err := analyze.Run(ctx, req)
	return deliver(e, p, a, err, &o.results, f)
}

// scanInput is what the arguments name, together and one by one.
func scanInput(args []string, o *scanOptions) (closure.Input, []closure.Input, error) {
	if o.attr != "" {
		in := closure.AttrInput(args[0], o.attr, o.nixArgs...)
		return in, []closure.Input{in}, nil
	}
	inputs := make([]closure.Input, len(args))
	for i, arg := range args {
		in, err := closure.Detect(arg, o.form)
		if err != nil {
			return closure.Input{}, nil, err
		}
		inputs[i] = in
	}
	if len(inputs) == 1 {
		return inputs[0], inputs, nil
	}
	return closure.UnionInput(inputs...), inputs, nil
}

// extractor also reads the builder scripts that lie beside derivations in a
// local store: nixpkgs' first years say everything there. Of several roots the
// first that has a script counts; a store path stands for one content.
func extractor(in closure.Input, args []string) rules.Extractor {
	var read []func(string) ([]byte, error)
	switch in.Form() {
	case closure.FormAttr, closure.FormFlake: // instantiated into the user's own store
		read = append(read, rules.StoreReader("/"))
	case closure.FormDrv, closure.FormDir, closure.FormUnion:
		var roots []string
		for _, name := range args {
			if root, ok := storeRoot(closure.WithoutOutputs(name)); ok && !slices.Contains(roots, root) {
				roots = append(roots, root)
				read = append(read, rules.StoreReader(root))
			}
		}
	}
	if len(read) == 0 {
		return rules.Extractor{}
	}
	return rules.Extractor{ReadSource: func(path string) (b []byte, err error) {
		for _, r := range read {
			if b, err = r(path); err == nil {
				return b, nil
			}
		}
		return nil, err
	}}
}

// load reads the closure and what the rules want to know of each derivation.
func load(ctx context.Context, p *progress, in closure.Input, x rules.Extractor) (*closure.Graph, []rules.Facts, error) {
	loads.Add(1)
	defer loads.Add(-1)
	p.update("load", 0, 0, in.String())
	return closure.LoadFacts(ctx, in, closure.Options{Progress: func(read int) {
		p.update("load", read, 0, "")
	}}, x.Extract)
}

// targetName is the root's name; a closure of many roots is called by its
// input, and where there are several, by the first and how many there are more.
func targetName(g *closure.Graph, inputs []string) string {
	roots := g.Roots()
	if len(roots) == 1 {
		return g.Name(roots[0])
	}
	name := filepath.Base(inputs[0])
	if len(inputs) == 1 {
		return name
	}
	for _, r := range roots {
		if strings.HasPrefix(name, filepath.Base(g.Path(r))) {
			return fmt.Sprintf("%s and %d more", g.Name(r), len(roots)-1)
		}
	}
	return fmt.Sprintf("%s and %d more", name, len(inputs)-1)
}

func readExec(name string) ([]trace.Exec, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading what builds executed: %w", err)
	}
	defer f.Close()
	records, err := trace.ReadExec(f)
	if err != nil {
		return nil, fmt.Errorf("reading what builds executed: %q: %w", name, err)
	}
	return records, nil
}

// cacheDir is a folder of ours below the user's cache directory; "" where
// the user has none.
func cacheDir(sub string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "fromsource", sub)
}

// deliver writes the results of an analysis, whole or cut short, and says how
// the program ends.
func deliver(e *env, p *progress, a *audit.Audit, err error, o *resultOptions, f report.Format) error {
	p.end()
	if a == nil {
		return err
	}
	if werr := writeResults(e, a, o, f); werr != nil {
		return errors.Join(err, werr)
	}
	if err != nil {
		if interrupted(err) {
			return &exitError{exitFailed, errors.New("interrupted: what was not reached is unknown in the results")}
		}
		return err
	}
	if o.strict {
		if n := a.Summary.Verdicts[audit.Unknown]; n > 0 || len(a.Skipped) > 0 {
			return &exitError{exitIncomplete, fmt.Errorf("incomplete: %d derivations are unknown and %d inputs were skipped", n, len(a.Skipped))}
		}
	}
	return nil
}

// writeResults puts the audit and its report into a folder, where one was
// asked for, and renders it where the user reads it.
func writeResults(e *env, a *audit.Audit, o *resultOptions, f report.Format) error {
	if o.out != "" {
		if err := os.MkdirAll(o.out, 0o755); err != nil { // results are for everybody to read
			return fmt.Errorf("making the folder of results: %w", err)
		}
		if err := audit.WriteFile(filepath.Join(o.out, "audit.json"), a); err != nil {
			return err
		}
		for name, format := range map[string]string{"report.md": "markdown", "report.html": "html"} {
			r, err := report.Lookup(format)
			if err != nil {
				return err
			}
			if err := render(e, r, filepath.Join(o.out, name), a, report.Options{}); err != nil {
				return err
			}
		}
		if o.output == "" && f.Name == "text" {
			return render(e, f, "", a, report.Options{})
		}
	}
	if o.out == "" || o.output != "" {
		return render(e, f, o.output, a, report.Options{})
	}
	return nil
}
