package rebuild

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// Method says how a derivation is built again, and with that whose word a
// result is. In a fresh store two builds leave two registrations: Nix hashes
// both, and the hashes are compared here. With --check Nix hashes, compares,
// and deletes what was the same.
type Method int

const (
	// Fresh builds in a store of its own beside the first one, which is given
	// nothing but the inputs (linked, not copied, where the file system
	// allows). The rebuilt bytes exist afterwards and every output is hashed,
	// whatever its kind. It needs Nix's sandbox, and a place for the store.
	Fresh Method = iota
	// Check is `nix-store --realise --check`: it works everywhere, but keeps
	// the rebuilt bytes only of the first output that differs, and cannot
	// tell anything about content-addressed outputs.
	Check
	// Auto is Fresh, and Check where that is not possible.
	Auto
	// Plain builds in the store as it is, with whatever inputs are missing:
	// the way of a machine that shares nothing with the first but the
	// derivations and the sources.
	Plain
)

// String names the method as the command line does.
func (m Method) String() string { return [...]string{"fresh", "check", "auto", "plain"}[m] }

// ParseMethod gives the method of that name, of those that a user may choose.
func ParseMethod(name string) (Method, error) {
	for _, m := range []Method{Auto, Fresh, Check} {
		if m.String() == name {
			return m, nil
		}
	}
	return 0, fmt.Errorf("the way to build again is auto, fresh or check, not %q", name)
}

// Option is a Nix setting, passed as --option NAME VALUE.
type Option struct{ Name, Value string }

// Nix is a Builder on any machine that has Nix and on which commands can be
// run. Remote builders are Nix's own affair: set the option "builders" (and
// "max-jobs" to 0 to use nothing else).
type Nix struct {
	// Title is the builder's name in reports.
	Title  string
	Runner Runner
	Method Method
	// Store is the root folder of a chroot store; empty for Nix's default
	// store. The logical store directory is StoreDir, /nix/store if empty.
	Store    string
	StoreDir string
	// Scratch is where fresh stores are made, on the machine. It should be on
	// the file system of the store. Default: nix/var/fromsource below the
	// store's root.
	Scratch string
	Options []Option
	// Env is added to the environment of Nix itself, not of the builds.
	Env []string
	// Wrap comes before every command that builds ("unshare", "-u", …).
	Wrap []string

	seq       atomic.Int64
	noSandbox atomic.Bool
	once      sync.Once
	token     string
	swept     sync.Once
	snap      snapshot
	made      sync.Map // derivations that Nix said it was building
}

// Name implements Builder.
func (n *Nix) Name() string { return n.Title }

// Build implements Builder.
func (n *Nix) Build(ctx context.Context, j *Job) (Built, error) {
	if j.Skip != "" {
		return Built{}, &NotAttemptedError{Drv: j.Drv, Why: j.Skip}
	}
	if len(j.Outputs) == 0 {
		return Built{}, &NotAttemptedError{Drv: j.Drv, Why: "no outputs are known"}
	}
	var b Built
	var err error
	switch n.Method {
	case Check:
		b, err = n.check(ctx, j)
	case Plain:
		b, err = n.plain(ctx, j)
	case Auto:
		b, err = n.auto(ctx, j)
	default:
		b, err = n.fresh(ctx, j)
	}
	return b, n.lost(err)
}

// auto tries a fresh store until the machine is seen to have no sandbox, or no
// place for a store that this user may write.
func (n *Nix) auto(ctx context.Context, j *Job) (Built, error) {
	if !n.noSandbox.Load() {
		b, err := n.fresh(ctx, j)
		var failed *BuildError
		if !errors.As(err, &failed) || !failed.unprepared && !noSandbox(failed.Log) {
			return b, err
		}
		n.noSandbox.Store(true)
	}
	return n.check(ctx, j)
}

// lost marks errors that are about the machine rather than the derivation.
func (n *Nix) lost(err error) error {
	var failed *BuildError
	var not *NotAttemptedError
	if err == nil || errors.As(err, &failed) || errors.As(err, &not) ||
		errors.Is(err, context.Canceled) || errors.Is(err, ErrLost) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrLost, n.Title, err)
}

func (n *Nix) storeDir() string {
	if n.StoreDir != "" {
		return n.StoreDir
	}
	return "/nix/store"
}

// physical is where a store path lies on the machine.
func (n *Nix) physical(root, p string) string {
	if root == "" {
		return p
	}
	return path.Join(root, p)
}

// scratchDir is where fresh stores are made.
func (n *Nix) scratchDir() string {
	if n.Scratch != "" {
		return n.Scratch
	}
	return path.Join("/", n.Store, "nix/var/fromsource")
}

// scratch is a new name for a fresh store: this process, this Nix, this job.
func (n *Nix) scratch(j *Job) string {
	n.once.Do(func() {
		var b [4]byte
		_, _ = rand.Read(b[:]) // never fails since Go 1.24
		n.token = hex.EncodeToString(b[:])
	})
	hash, _, _ := strings.Cut(path.Base(j.Drv), "-")
	return path.Join(n.scratchDir(), fmt.Sprintf("%d-%s-%d-%s", os.Getpid(), n.token, n.seq.Add(1), hash))
}

// sweep removes the fresh stores of processes on this machine that were
// killed. Trouble with that is not worth a build.
func (n *Nix) sweep(ctx context.Context) {
	if _, ok := n.Runner.(Local); !ok {
		return // another machine's processes are not ours to judge
	}
	names, _ := os.ReadDir(n.scratchDir())
	for _, d := range names {
		pid, _, _ := strings.Cut(d.Name(), "-")
		if id, err := strconv.Atoi(pid); err == nil && id > 0 && errors.Is(syscall.Kill(id, 0), syscall.ESRCH) {
			_ = n.remove(ctx, path.Join(n.scratchDir(), d.Name()))
		}
	}
}

// nixStore is the argv of a nix-store command on a store.
func (n *Nix) nixStore(root string, args ...string) []string {
	argv := []string{"nix-store"}
	if root != "" {
		argv = append(argv, "--store", root)
	}
	return append(argv, args...)
}

// query runs a nix-store command that builds nothing.
func (n *Nix) query(ctx context.Context, root string, args ...string) ([]byte, error) {
	return output(ctx, n.Runner, Cmd{Argv: n.nixStore(root, args...), Env: n.Env})
}

// registrations asks a store for what it holds of some paths. Paths that are
// not valid are an error.
func (n *Nix) registrations(ctx context.Context, root string, paths []string) ([]registration, error) {
	var all []registration
	for _, part := range chunks(paths) {
		out, err := n.query(ctx, root, append([]string{"--dump-db"}, part...)...)
		if err != nil {
			return nil, err
		}
		rs, err := parseRegistrations(out)
		if err != nil {
			return nil, err
		}
		all = append(all, rs...)
	}
	return all, nil
}

// chunks splits paths so that a command line stays far below any limit.
func chunks(paths []string) [][]string {
	const most = 500
	var parts [][]string
	for len(paths) > most {
		parts, paths = append(parts, paths[:most]), paths[most:]
	}
	return append(parts, paths)
}

// options are the settings of every build: nothing is substituted, and a
// fixed-output derivation is fetched from its own URL, not from a mirror
// addressed by its hash.
func (n *Nix) options() []string {
	args := []string{"--option", "substitute", "false", "--option", "hashed-mirrors", ""}
	for _, o := range n.Options {
		args = append(args, "--option", o.Name, o.Value)
	}
	return args
}

// realise builds a derivation in a store and returns the paths that Nix
// printed, and the log. Failures are a *BuildError.
func (n *Nix) realise(ctx context.Context, root string, j *Job, extra ...string) (paths []string, log string, err error) {
	argv := append([]string{}, n.Wrap...)
	argv = append(argv, n.nixStore(root, "--realise", j.Drv)...)
	argv = append(append(argv, extra...), n.options()...)
	var out strings.Builder
	errs := &tail{max: tailBytes}
	exit, err := n.Runner.Run(ctx, Cmd{
		Argv: argv, Env: n.Env, Stdout: &out,
		Stderr: io.MultiWriter(errs, &buildingLines{made: &n.made}),
	})
	// A path in a chroot store is shown as it is in the store.
	log = errs.String()
	if root != "" {
		log = strings.ReplaceAll(log, path.Clean(root)+n.storeDir(), n.storeDir())
	}
	if err != nil {
		return nil, log, err
	}
	if exit != 0 {
		return nil, log, buildError(j.Drv, exit, log)
	}
	return strings.Fields(out.String()), log, nil
}

// outputs describes what a store holds of the outputs that a build has made.
// printed are the paths as Nix printed them, in the order of output names, for
// outputs whose path is not known before.
func (n *Nix) outputs(ctx context.Context, root string, j *Job, printed []string) ([]BuiltOutput, error) {
	all := make([]BuiltOutput, len(j.Outputs))
	var paths []string
	for i, o := range j.Outputs {
		p := o.Path
		if p == "" && len(printed) == len(j.Outputs) {
			p = n.logical(root, printed[i])
		}
		all[i] = BuiltOutput{Name: o.Name, Path: p}
		if p == "" {
			all[i].Note = "Nix did not say where the output is"
			continue
		}
		paths = append(paths, p)
	}
	if len(paths) == 0 {
		return all, nil // without a path all would be listed
	}
	// Content-addressed outputs may share a path; it is asked for once.
	slices.Sort(paths)
	rs, err := n.registrations(ctx, root, slices.Compact(paths))
	if err != nil {
		return nil, fmt.Errorf("reading the hashes of what %q built: %w", j.Drv, err)
	}
	for i := range all {
		o := &all[i]
		if o.Path == "" {
			continue
		}
		r, ok := find(rs, o.Path)
		if !ok {
			return nil, fmt.Errorf("reading the hash of %q: the store gave no registration", o.Path)
		}
		o.NarHash, o.NarSize, o.Open = r.sri(), r.Size, n.dump(n.physical(root, o.Path))
	}
	return all, nil
}

// logical undoes physical for paths that Nix prints either way.
func (n *Nix) logical(root, p string) string {
	if root != "" {
		if s, ok := strings.CutPrefix(p, path.Clean(root)+"/"); ok {
			return "/" + s
		}
	}
	return p
}

// dump opens the NAR of a path on the machine.
func (n *Nix) dump(physical string) Opener {
	return func(ctx context.Context) (io.ReadCloser, error) {
		return stream(ctx, n.Runner, Cmd{Argv: []string{"nix-store", "--dump", physical}, Env: n.Env}), nil
	}
}

// ranAndFailed tells a command's own refusal from a lost machine.
func ranAndFailed(err error) bool {
	var e *exitError
	return errors.As(err, &e)
}
