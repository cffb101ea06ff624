package rebuild

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze/audit"
	"fromsource/closure"
)

// graph loads the closure of some attributes as the pipeline does.
func (w *world) graph(attrs ...string) *closure.Graph {
	w.t.Helper()
	for _, a := range attrs {
		w.instantiate(a)
	}
	g, err := closure.Load(context.Background(), closure.DirInput(filepath.Join(w.root, "nix/store")), closure.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

// brief is a result in one line: name, output, result, against.
func brief(rs []Result) []string {
	var out []string
	for _, r := range rs {
		s := closure.NameOf(r.Drv) + " " + r.Output + ": " + r.Result
		if r.Against != "" && r.Against != firstBuild {
			s += " (" + r.Against + ")"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func TestRunAll(t *testing.T) {
	w := newWorld(t, sample)
	g := w.graph("user", "bad", "half", "ca", "fetch", "broken")
	for _, a := range []string{"user", "bad", "half", "ca", "fetch"} {
		w.realise(w.instantiate(a))
	}
	jobs, err := Select(g, Selection{All: true})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	ended := map[string]int{}
	rs, err := Run(context.Background(), jobs, Options{
		Builders: []Builder{w.nix(Fresh)}, Parallel: 2,
		Progress: func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Ended {
				ended[closure.NameOf(e.Drv)] = len(ended)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bad out: differs", "broken out: failed", "ca out: differs", "dep out: reproduced", "fetch out: reproduced",
		"good dev: reproduced", "good out: reproduced", "half aaa: differs", "half out: reproduced", "half zzz: differs",
		"user out: reproduced",
	}
	if d := cmp.Diff(want, brief(rs)); d != "" {
		t.Error(d)
	}
	if !(ended["dep"] < ended["good"] && ended["good"] < ended["user"]) {
		t.Errorf("order of ends: %v", ended)
	}
	rows := Rows(rs)
	if n := len(rows); n != len(jobs) {
		t.Errorf("rows for %d derivations, want %d", n, len(jobs))
	}
	for drv, r := range rows {
		switch closure.NameOf(drv) {
		case "bad":
			if len(r[0].Differences) != 1 || r[0].Differences[0].Path != "when" || !strings.Contains(r[0].Reason, `in "when"`) {
				t.Errorf("bad: no place: %+v", r)
			}
		case "broken":
			if !strings.Contains(r[0].Log, "last words") || strings.Contains(r[0].Log, w.root) {
				t.Errorf("broken: log %q", r[0].Log)
			}
		case "fetch":
			if !strings.Contains(r[0].Reason, "only that the URL still serves the same bytes") {
				t.Errorf("fetch: reason %q", r[0].Reason)
			}
		}
	}
}

func TestSelect(t *testing.T) {
	w := newWorld(t, sample)
	g := w.graph("user", "bad", "fetch")
	path := func(name string) string {
		for i := range g.Len() {
			if g.Name(closure.ID(i)) == name {
				return g.Path(closure.ID(i))
			}
		}
		t.Fatalf("no %s", name)
		return ""
	}
	for _, tt := range []struct {
		name string
		s    Selection
		want []string // "derivation<needs"
	}{
		{"a suspect and its consumer", Selection{Suspects: []string{path("dep")}}, []string{"dep<", "good<dep"}},
		{"needs through what is not chosen", Selection{Named: []string{"dep", "user"}}, []string{"dep<", "user<dep"}},
		{"by output path", Selection{Named: []string{g.Outputs(must(g.Lookup(path("bad"))))[0].Path}}, []string{"bad<"}},
		{"all", Selection{All: true}, []string{"bad<", "dep<", "fetch<", "good<dep", "user<good"}},
		{"nothing", Selection{}, nil},
	} {
		jobs, err := Select(g, tt.s)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, j := range jobs {
			var needs []string
			for _, n := range j.Needs {
				needs = append(needs, closure.NameOf(n))
			}
			got = append(got, closure.NameOf(j.Drv)+"<"+strings.Join(needs, ","))
		}
		for i, j := range jobs {
			for _, n := range j.Needs {
				if k := slices.IndexFunc(jobs, func(j *Job) bool { return j.Drv == n }); k > i {
					t.Errorf("%s: %s comes before what it needs", tt.name, j.Drv)
				}
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	if _, err := Select(g, Selection{Named: []string{"nobody"}}); err == nil {
		t.Error("an unknown name: no error")
	}
	if _, err := Select(g, Selection{Suspects: []string{"/nix/store/x.drv"}}); err == nil {
		t.Error("an unknown suspect: no error")
	}
}

func must(id closure.ID, ok bool) closure.ID {
	if !ok {
		panic("not in the graph")
	}
	return id
}

// A run that is cut off and started again does only what is left, and says the
// same in the end as one that was not cut off.
func TestResume(t *testing.T) {
	w := newWorld(t, sample)
	g := w.graph("user", "half")
	w.realise(w.instantiate("user"))
	w.realise(w.instantiate("half"))
	jobs, err := Select(g, Selection{All: true})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "journal")
	open := func() *Journal {
		t.Helper()
		j, err := OpenJournal(file)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	// Interrupted when the second job begins.
	ctx, cancel := context.WithCancel(context.Background())
	j := open()
	begun := 0
	rs, err := Run(ctx, jobs, Options{Builders: []Builder{w.nix(Fresh)}, Journal: j, Progress: func(e Event) {
		if !e.Ended {
			if begun++; begun == 2 {
				cancel()
			}
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want %v", err, context.Canceled)
	}
	if n := Summarize(rs); n.NotAttempted == 0 || n.Reproduced == 0 {
		t.Errorf("after an interrupt: %+v", n)
	}
	j.Close()
	// A crash in the middle of a write.
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"drv":"/nix/store/torn`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	j = open()
	if _, err := OpenJournal(file); !errors.Is(err, ErrInUse) {
		t.Errorf("a second writer: got %v, want %v", err, ErrInUse)
	}
	resumed, built := 0, 0
	count := func(e Event) {
		switch {
		case e.Resumed:
			resumed++
		case e.Ended:
			built++
		}
	}
	rs, err = Run(context.Background(), jobs, Options{Builders: []Builder{w.nix(Fresh)}, Journal: j, Progress: count})
	if err != nil {
		t.Fatal(err)
	}
	if resumed != 1 || built != len(jobs)-1 {
		t.Errorf("resumed %d and built %d of %d", resumed, built, len(jobs))
	}
	j.Close()
	j = open()
	defer j.Close()
	resumed, built = 0, 0
	again, err := Run(context.Background(), jobs, Options{Builders: []Builder{w.nix(Fresh)}, Journal: j, Progress: count})
	if err != nil || resumed != len(jobs) || built != 0 {
		t.Errorf("third run: resumed %d, built %d, %v", resumed, built, err)
	}
	if d := cmp.Diff(rs, again); d != "" {
		t.Errorf("the journal gives other results: %s", d)
	}
	// Another way of building, and another first build, are not what it has.
	resumed = 0
	if _, err := Run(context.Background(), jobs, Options{Builders: []Builder{w.nix(Fresh)}, Journal: j, Subject: "other", Progress: count}); err != nil || resumed != 0 {
		t.Errorf("another subject: resumed %d, %v", resumed, err)
	}
	for _, j := range jobs {
		j.First = []First{{Output: "out", Path: j.Outputs[0].Path, NarHash: "sha256-of-another-build"}}
	}
	if _, err := Run(context.Background(), jobs, Options{Builders: []Builder{w.nix(Fresh)}, Journal: j, Progress: count}); err != nil || resumed != 0 {
		t.Errorf("another first build: resumed %d, %v", resumed, err)
	}
}

func TestJournalOfSomethingElse(t *testing.T) {
	for _, text := range []string{"hello", "hello\n", "{}\n", `{"schema":"other/v1"}` + "\n", `{"schema":"` + journalSchema + "\"}\nnot json\n"} {
		file := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if j, err := OpenJournal(file); err == nil {
			j.Close()
			t.Errorf("%q: no error", text)
		}
		if b, _ := os.ReadFile(file); string(b) != text {
			t.Errorf("%q: changed to %q", text, b)
		}
	}
	if _, err := OpenJournal(filepath.Join(t.TempDir(), "no", "such")); err == nil {
		t.Error("no folder: no error")
	}
}

// dying is a builder whose machine goes away in the n-th build.
type dying struct {
	Builder
	mu sync.Mutex
	n  int
}

func (d *dying) Build(ctx context.Context, j *Job) (Built, error) {
	d.mu.Lock()
	d.n--
	n := d.n
	d.mu.Unlock()
	if n <= 0 {
		return d.Builder.(*Nix).with(RunnerFunc(func(context.Context, Cmd) (int, error) {
			return 0, errors.New("the machine is gone")
		})).Build(ctx, j)
	}
	return d.Builder.Build(ctx, j)
}

// with is the same builder on another machine.
func (n *Nix) with(r Runner) *Nix {
	return &Nix{Title: n.Title, Runner: r, Method: n.Method, Store: n.Store}
}

// A machine that dies loses what it was building and nothing else, and does
// not stop the others.
func TestBuilderLost(t *testing.T) {
	w := newWorld(t, sample)
	g := w.graph("user")
	w.realise(w.instantiate("user"))
	jobs, err := Select(g, Selection{All: true})
	if err != nil {
		t.Fatal(err)
	}
	local, guest := w.nix(Fresh), w.nix(Fresh)
	guest.Title = "guest"
	file := filepath.Join(t.TempDir(), "journal")
	j, err := OpenJournal(file)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := Run(context.Background(), jobs, Options{Builders: []Builder{local, &dying{Builder: guest, n: 2}}, Journal: j})
	if !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "the machine is gone") {
		t.Errorf("got %v, want %v", err, ErrLost)
	}
	got := map[string]int{}
	for _, r := range rs {
		got[r.By+" "+r.Result]++
		if r.Result == audit.NotAttempted && !strings.Contains(r.Reason, "the machine is gone") {
			t.Errorf("no reason: %+v", r)
		}
	}
	if d := cmp.Diff(map[string]int{"local reproduced": 4, "guest reproduced": 1, "guest not attempted": 3}, got); d != "" {
		t.Error(d)
	}
	j.Close()
	// Started again with a guest that lives, only its lost jobs are done.
	if j, err = OpenJournal(file); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	built := 0
	rs, err = Run(context.Background(), jobs, Options{Builders: []Builder{local, guest}, Journal: j, Progress: func(e Event) {
		if e.Ended && !e.Resumed {
			built++
		}
	}})
	if n := Summarize(rs); err != nil || built != 2 || n.Reproduced != 8 {
		t.Errorf("resumed: built %d, %+v, %v", built, n, err)
	}
}

func TestJobsInACircle(t *testing.T) {
	a, b := &Job{Drv: "/a.drv", Needs: []string{"/b.drv"}}, &Job{Drv: "/b.drv", Needs: []string{"/a.drv"}}
	rs, err := Run(context.Background(), []*Job{a, b}, Options{Builders: []Builder{&Nix{Title: "local", Runner: Local{}}}})
	if err != nil || len(rs) != 2 || rs[0].Result != audit.NotAttempted || rs[0].Reason != "it depends on itself" {
		t.Errorf("got %+v, %v", rs, err)
	}
}
