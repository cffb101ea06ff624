package vm

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"fromsource/vm/wire"
)

// The files of an export.
const (
	// ClosureFile is a nix-store --export stream: the roots' derivations
	// with all inputs, and all of their outputs that were built.
	ClosureFile = "closure.nar"
	// RootsFile has the store paths of the roots' derivations, one a line.
	RootsFile = "roots"
	// LogFile is everything that Nix said.
	LogFile = "build.log"
	// ExecFile has one JSON object a line, a wire.Exec: the programs that
	// builds executed, sorted, each once a build. Whether they were recorded
	// at all, GuestFile says.
	ExecFile = "exec.jsonl"
	// GuestFile is a Guest.
	GuestFile = "guest.json"
	// ResultDir holds the files of the roots' outputs that the recipe wants.
	ResultDir = "result"
)

// GuestSchema names the version of guest.json.
const GuestSchema = "fromsource/guest/v1"

// Guest is guest.json: what built the closure, and how far it came.
type Guest struct {
	Schema string `json:"schema"`
	Recipe string `json:"recipe"`
	// Complete says that all was built and exported; Error why not.
	Complete bool   `json:"complete"`
	Error    string `json:"error,omitempty"`
	// Nix and Kernel are versions, as the guest has them.
	Nix    string `json:"nix"`
	Kernel string `json:"kernel"`
	// Image names the guest's image, Packages what it is made of, each
	// "NAME VERSION SHA256".
	Image    string   `json:"image"`
	Packages []string `json:"packages"`
	Accel    Verdict  `json:"accel"`
	CPUs     int      `json:"cpus"`
	MemoryMB int      `json:"memoryMB"`
	DiskMB   int      `json:"diskMB"`
	Network  bool     `json:"network"`
	// Sandbox and Substitutes are what nix.conf says: true and false.
	Sandbox     bool `json:"sandbox"`
	Substitutes bool `json:"substitutes"`
	// ExecRecorded says whether programs executed by builds were recorded to
	// the end; ExecNote why not.
	ExecRecorded bool         `json:"execRecorded"`
	ExecNote     string       `json:"execNote,omitempty"`
	Roots        []string     `json:"roots"`
	Results      []ResultFile `json:"results"`
	Stages       []Stage      `json:"stages"`
}

// ResultFile is a file of a root's output.
type ResultFile struct {
	// Path is where it is in the store, File where in the export.
	Path   string `json:"path"`
	File   string `json:"file"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Published says whose published hash it has, where it has one's; and
	// Differs whose it has not.
	Published []string `json:"published,omitempty"`
	Differs   []string `json:"differs,omitempty"`
}

// Export is what a build left in a directory.
type Export struct {
	Dir   string
	Roots []string
	Guest Guest
	// Machine is the guest, where it was to be kept.
	Machine *Machine

	log *os.File

	mu      sync.Mutex
	execs   []wire.Exec
	execLog *os.File
	execErr error
}

// newExport prepares a directory.
func newExport(dir string) (_ *Export, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("preparing the export: %w", err)
	}
	for _, f := range []string{ClosureFile, ClosureFile + ".part", RootsFile, LogFile, ExecFile, GuestFile, ResultDir} {
		if err := os.RemoveAll(filepath.Join(dir, f)); err != nil {
			return nil, fmt.Errorf("preparing the export: %w", err)
		}
	}
	x := &Export{Dir: dir, Roots: []string{}}
	if x.log, err = os.Create(filepath.Join(dir, LogFile)); err != nil {
		return nil, fmt.Errorf("preparing the export: %w", err)
	}
	if x.execLog, err = os.Create(filepath.Join(dir, ExecFile)); err != nil {
		_ = x.log.Close() // the first error is the one to report
		return nil, fmt.Errorf("preparing the export: %w", err)
	}
	return x, nil
}

// Path is where one of the export's files is.
func (x *Export) Path(file string) string { return filepath.Join(x.Dir, file) }

func (x *Export) close() error { return errors.Join(x.log.Close(), x.execLog.Close()) }

// exec takes a record from the guest. It is on disk at once, as it came: a
// crash leaves what there is.
func (x *Export) exec(e wire.Exec) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.execs = append(x.execs, e)
	if x.execLog == nil {
		return
	}
	b, err := json.Marshal(e)
	if err == nil {
		_, err = x.execLog.Write(append(b, '\n'))
	}
	if err != nil && x.execErr == nil {
		x.execErr = err
	}
}

// Execs is what builds executed so far, also those after Build where the
// machine was kept: sorted, each once, with outputs filled in where any record
// of the same derivation has one.
func (x *Export) Execs() []wire.Exec {
	x.mu.Lock()
	all := slices.Clone(x.execs)
	x.mu.Unlock()
	outs := map[string]string{}
	for _, e := range all {
		if e.Output != "" && e.Drv != "" {
			outs[e.Drv] = e.Output
		}
	}
	for i := range all {
		if all[i].Output == "" {
			all[i].Output = outs[all[i].Drv]
		}
	}
	slices.SortFunc(all, func(a, b wire.Exec) int {
		return cmp.Or(strings.Compare(a.Drv, b.Drv), strings.Compare(a.Output, b.Output),
			strings.Compare(a.Path, b.Path), strings.Compare(a.SHA256, b.SHA256),
			strings.Compare(a.By, b.By), strings.Compare(a.As, b.As))
	})
	return slices.Compact(all)
}

// describe fills in what is known of the guest before it builds.
func (x *Export) describe(s *session, m *Machine) {
	x.Guest = Guest{
		Schema: GuestSchema, Recipe: s.r.Name, Kernel: m.Hello.Kernel,
		Image: s.img.Key, Packages: []string{}, Accel: s.accel,
		CPUs: m.cfg.CPUs, MemoryMB: m.cfg.MemoryMB, DiskMB: m.cfg.DiskMB, Network: m.cfg.Network,
		Sandbox: true, ExecRecorded: m.Hello.ExecWatch == "", ExecNote: m.Hello.ExecWatch,
		Roots: []string{}, Results: []ResultFile{}, Stages: []Stage{},
	}
	for _, p := range s.img.Manifest.Packages {
		x.Guest.Packages = append(x.Guest.Packages, p.Name+" "+p.Version+" "+p.SHA256)
	}
}

// fetch gets closure and results out of the guest.
func (x *Export) fetch(ctx context.Context, s *session, m *Machine) error {
	out, err := m.Output(ctx, "nix", "--version")
	if err != nil {
		return err
	}
	x.Guest.Nix = strings.TrimSpace(string(out))
	if err := x.closure(ctx, m); err != nil {
		return fmt.Errorf("exporting the closure: %w", err)
	}
	for _, root := range x.Roots {
		if err := x.results(ctx, s, m, root); err != nil {
			return fmt.Errorf("exporting the result of %q: %w", root, err)
		}
	}
	return nil
}

// closure streams the export. The list of paths goes by the command line,
// whose limit is a quarter of the stack's.
func (x *Export) closure(ctx context.Context, m *Machine) error {
	name := x.Path(ClosureFile)
	f, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	errs := newTailWriter(4 << 10)
	const script = `ulimit -s unlimited; paths=$(nix-store --query --requisites --include-outputs "$@") && exec nix-store --export $paths`
	code, err := m.Run(ctx, Cmd{Argv: append([]string{"sh", "-c", script, "sh"}, x.Roots...), Stdout: w, Stderr: errs})
	if err == nil && code != 0 {
		err = fmt.Errorf("nix-store --export: exit status %d: %s", code, errs.lines(3))
	}
	err = errors.Join(err, w.Flush(), f.Close())
	if err != nil {
		return err // the part stays, under its name
	}
	return os.Rename(name+".part", name)
}

// results fetches the files that the recipe wants of a root's outputs; an
// output that is a file is one itself.
func (x *Export) results(ctx context.Context, s *session, m *Machine, root string) error {
	patterns := s.r.Results
	if len(patterns) == 0 {
		patterns = []string{"*.iso"}
	}
	outs, err := m.words(ctx, "nix-store", "--query", "--outputs", root)
	if err != nil {
		return err
	}
	for _, out := range outs {
		list, err := m.Output(ctx, "sh", "-c", `[ -e "$1" ] || exit 0; exec find "$1" -type f -print0`, "sh", out)
		if err != nil {
			return err
		}
		names := strings.Split(strings.TrimRight(string(list), "\x00"), "\x00")
		slices.Sort(names)
		for _, p := range names {
			if p == out || slices.ContainsFunc(patterns, func(pat string) bool { ok, _ := path.Match(pat, path.Base(p)); return ok }) {
				if err := x.result(ctx, s, m, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (x *Export) result(ctx context.Context, s *session, m *Machine, p string) (err error) {
	if p == "" {
		return nil
	}
	base := path.Base(p)
	if !fs.ValidPath(base) || strings.ContainsRune(base, '\\') {
		return fmt.Errorf("file name %q", p)
	}
	file := path.Join(ResultDir, base)
	if slices.ContainsFunc(x.Guest.Results, func(r ResultFile) bool { return r.File == file }) {
		return fmt.Errorf("two result files have the name %q", base)
	}
	if err := os.MkdirAll(x.Path(ResultDir), 0o755); err != nil {
		return err
	}
	r, err := m.Get(ctx, p)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.CreateTemp(x.Path(ResultDir), ".part-")
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), r)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), x.Path(file))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	res := ResultFile{Path: p, File: file, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}
	for _, pub := range s.r.Published {
		if pub.SHA256 == res.SHA256 {
			res.Published = append(res.Published, pub.By)
		} else {
			res.Differs = append(res.Differs, pub.By)
		}
	}
	x.Guest.Results = append(x.Guest.Results, res)
	return nil
}

func (x *Export) writeRoots() error {
	return os.WriteFile(x.Path(RootsFile), []byte(strings.Join(x.Roots, "\n")+"\n"), 0o644)
}

// finish closes what Build wrote as it went, and notes how it ended.
func (x *Export) finish(s *session, m *Machine, err error) {
	g := &x.Guest
	g.Roots, g.Stages, g.Complete = x.Roots, s.stages, err == nil
	if err != nil {
		g.Error = err.Error()
	}
	m.mu.Lock()
	if m.watchEnd != "" {
		g.ExecRecorded, g.ExecNote = false, m.watchEnd
	}
	m.mu.Unlock()
}

// write puts exec.jsonl in order and writes guest.json.
func (x *Export) write() error {
	x.mu.Lock()
	err := errors.Join(x.execErr, x.log.Close(), x.execLog.Close())
	x.execLog = nil
	x.mu.Unlock()
	var b []byte
	for _, e := range x.Execs() {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		b = append(append(b, line...), '\n')
	}
	err = errors.Join(err, replace(x.Path(ExecFile), b))
	g, merr := json.MarshalIndent(x.Guest, "", "  ")
	if merr != nil {
		return errors.Join(err, merr)
	}
	return errors.Join(err, replace(x.Path(GuestFile), append(g, '\n')))
}

// replace writes a file that is whole or not there.
func replace(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".part-")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to report
	}
	return err
}

// checkFile compares a file's hash.
func checkFile(name, want string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s has sha256 %s, the recipe says %s", name, got, want)
	}
	return nil
}

// teeWriter writes to both; the first error is returned.
type teeWriter struct{ a, b io.Writer }

func (t teeWriter) Write(p []byte) (int, error) {
	if n, err := t.a.Write(p); err != nil {
		return n, err
	}
	return t.b.Write(p)
}
