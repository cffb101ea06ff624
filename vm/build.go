package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// BuildError is a recipe that did not evaluate or did not build, while the
// guest itself was well.
type BuildError struct {
	// Stage is StageEvaluate or StageBuild.
	Stage string
	// Exit is Nix's status.
	Exit int
	// Log is the end of what Nix said.
	Log string
}

// Error implements error.
func (e *BuildError) Error() string {
	what := "building the recipe"
	if e.Stage == StageEvaluate {
		what = "evaluating the recipe"
	}
	last := ""
	for _, l := range strings.Split(e.Log, "\n") {
		if l = strings.TrimSpace(l); strings.HasPrefix(l, "error:") {
			last = l
		}
	}
	if last == "" {
		return fmt.Sprintf("%s: nix exit status %d", what, e.Exit)
	}
	return fmt.Sprintf("%s: nix exit status %d: %s", what, e.Exit, last)
}

// Build boots a guest, has it build the recipe, and exports what it built to
// dir, which is made; files of an earlier export in it are replaced.
//
// Where it fails on the way, what was computed is kept, and the Export tells
// what there is: a log as far as it goes, and the closure of all that was
// built. The Export is nil only when there is no guest. With o.Keep a running
// machine is left in it, also beside an error.
func Build(ctx context.Context, r Recipe, dir string, o Options) (*Export, error) {
	s := &session{o: o, r: r}
	if err := s.r.Check(); err != nil {
		return nil, err
	}
	x, err := newExport(dir)
	if err != nil {
		return nil, err
	}
	s.onExec = x.exec
	m, err := s.open(ctx)
	if err != nil {
		_ = x.close() // there is nothing in it
		return nil, err
	}
	x.Machine = m
	x.describe(s, m)
	err = s.build(ctx, m, x)
	// Even then there may be something to export, with what is left of the
	// guest and of the caller's patience.
	if ctx.Err() == nil && m.Err() == nil && len(x.Roots) > 0 {
		eerr := s.stage(StageExport, "exporting the closure", func() error { return x.fetch(ctx, s, m) })
		if err == nil {
			err = eerr
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err() // and not what it made fail
	}
	x.finish(s, m, err)
	if !o.Keep {
		if cerr := m.Close(); err == nil && cerr != nil {
			err = cerr
		}
		x.Machine = nil
	}
	if werr := x.write(); err == nil && werr != nil {
		err = werr
	}
	return x, err
}

// build puts the recipe into the guest, evaluates and realises it.
func (s *session) build(ctx context.Context, m *Machine, x *Export) error {
	if err := s.stage(StageInputs, "copying the recipe and its inputs", func() error { return s.inputs(ctx, m) }); err != nil {
		return err
	}
	if err := s.stage(StageEvaluate, "evaluating the recipe", func() error { return s.evaluate(ctx, m, x) }); err != nil {
		return err
	}
	return s.stage(StageBuild, "building", func() error { return s.realise(ctx, m, x) })
}

// inputs copies the recipe's files and inputs into the guest.
func (s *session) inputs(ctx context.Context, m *Machine) error {
	if err := m.PutTree(ctx, recipeDir, s.r.Files); err != nil {
		return err
	}
	for i, in := range s.r.Inputs {
		s.say(Event{Stage: StageInputs, Text: in.Name, Done: i, Total: len(s.r.Inputs)})
		if in.SHA256 != "" {
			if err := checkFile(in.Path, in.SHA256); err != nil {
				return fmt.Errorf("input %q: %w", in.Name, err)
			}
		}
		f, err := os.Open(in.Path)
		if err != nil {
			return fmt.Errorf("input %q: %w", in.Name, err)
		}
		err = m.Put(ctx, path.Join(srcsDir, in.Name), 0o444, f)
		_ = f.Close() // only read
		if err != nil {
			return err
		}
	}
	return nil
}

// evaluate instantiates the recipe.
func (s *session) evaluate(ctx context.Context, m *Machine, x *Export) error {
	var out capture
	errs := newTailWriter(16 << 10)
	mark := m.mark()
	code, err := m.Run(ctx, Cmd{
		Argv:   append([]string{"nix-instantiate"}, s.r.Arguments(recipeDir)...),
		Stdout: &out, Stderr: teeWriter{errs, x.log},
	})
	if err != nil {
		return fmt.Errorf("evaluating the recipe: %w", err)
	}
	if code != 0 {
		if f := m.trouble(mark, errs.String()); f != nil {
			return fmt.Errorf("evaluating the recipe: %w", f)
		}
		return &BuildError{StageEvaluate, code, errs.String()}
	}
	for _, p := range strings.Fields(string(out.b)) {
		p, _, _ = strings.Cut(p, "!") // of a derivation with several outputs
		if !strings.HasSuffix(p, ".drv") || !path.IsAbs(p) {
			return fmt.Errorf("evaluating the recipe: %q is not the path of a derivation", p)
		}
		x.Roots = append(x.Roots, p)
	}
	slices.Sort(x.Roots)
	x.Roots = slices.Compact(x.Roots)
	if len(x.Roots) == 0 {
		return errors.New("evaluating the recipe: it has no derivation")
	}
	return x.writeRoots()
}

// realise builds the roots.
func (s *session) realise(ctx context.Context, m *Machine, x *Export) error {
	errs := newTailWriter(64 << 10)
	mark := m.mark()
	w := &buildLog{to: teeWriter{errs, x.log}, say: func(drv string, done, total int) {
		s.say(Event{Stage: StageBuild, Text: drv, Done: done, Total: total})
	}}
	code, err := m.Run(ctx, Cmd{
		Argv:   append([]string{"nix-store", "--realise", "--keep-going"}, x.Roots...),
		Stderr: w,
	})
	if err != nil {
		return fmt.Errorf("building the recipe: %w", err)
	}
	if code != 0 {
		if f := m.trouble(mark, errs.String()); f != nil {
			return fmt.Errorf("building the recipe: %w", f)
		}
		return &BuildError{StageBuild, code, errs.String()}
	}
	return nil
}

// buildLog passes Nix's log on and follows it: which derivations there are to
// build, and which is begun.
type buildLog struct {
	to   teeWriter
	say  func(drv string, done, total int)
	line []byte
	list bool
	// total is how many Nix announced, begun how many it started.
	total, begun int
}

// maxLogLine is how much of a line is looked at.
const maxLogLine = 4 << 10

func (b *buildLog) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != '\n' {
			if len(b.line) < maxLogLine {
				b.line = append(b.line, c)
			}
			continue
		}
		b.follow(string(b.line))
		b.line = b.line[:0]
	}
	return b.to.Write(p)
}

func (b *buildLog) follow(line string) {
	if b.list && strings.HasPrefix(line, "  /") && strings.HasSuffix(line, ".drv") {
		b.total++
		return
	}
	b.list = strings.HasSuffix(line, " will be built:")
	if rest, ok := strings.CutPrefix(line, "building '"); ok {
		if drv, _, ok := strings.Cut(rest, "'"); ok {
			b.say(drv, b.begun, max(b.total, b.begun+1))
			b.begun++
		}
	}
}
