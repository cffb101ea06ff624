package vm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fromsource/vm/recipe"
	"fromsource/vm/wire"
)

func recipeInput(name, path, sum string) recipe.Input {
	return recipe.Input{Name: name, Path: path, SHA256: sum}
}

func TestBuild(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "export")
	var events []Event
	o := smallOptions()
	o.Keep = true
	o.Progress = func(e Event) { events = append(events, e) }
	r := smallRecipe(t, "image")
	r.Results = []string{"nothing"}
	x, err := Build(t.Context(), r, dir, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, consoleOf(err))
	}
	m := x.Machine
	defer m.Close()

	t.Run("closure", func(t *testing.T) { importClosure(t, x) })
	t.Run("roots", func(t *testing.T) {
		b, err := os.ReadFile(x.Path(RootsFile))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(b)); len(x.Roots) != 1 || got != x.Roots[0] || !strings.HasSuffix(got, "-image.drv") {
			t.Errorf("roots %q, file %q", x.Roots, got)
		}
	})
	t.Run("result", func(t *testing.T) {
		if len(x.Guest.Results) != 1 {
			t.Fatalf("results %v", x.Guest.Results)
		}
		b, err := os.ReadFile(x.Path(x.Guest.Results[0].File))
		if err != nil || !strings.HasPrefix(string(b), "made of /nix/store/") {
			t.Errorf("result %q, %v", b, err)
		}
	})
	t.Run("guest.json", func(t *testing.T) {
		b, err := os.ReadFile(x.Path(GuestFile))
		if err != nil {
			t.Fatal(err)
		}
		var g Guest
		if err := json.Unmarshal(b, &g); err != nil {
			t.Fatal(err)
		}
		if !g.Complete || g.Nix == "" || g.Kernel == "" || len(g.Packages) < 10 || g.Substitutes || !g.Sandbox || g.Network {
			t.Errorf("guest %+v", g)
		}
	})
	t.Run("log", func(t *testing.T) {
		b, err := os.ReadFile(x.Path(LogFile))
		if err != nil || !strings.Contains(string(b), "building '/nix/store/") {
			t.Errorf("log %q, %v", b, err)
		}
	})
	t.Run("progress", func(t *testing.T) {
		var stages []string
		building := 0
		for _, e := range events {
			if e.Took > 0 {
				stages = append(stages, e.Stage)
			}
			if e.Stage == StageBuild && strings.HasSuffix(e.Text, ".drv") {
				building++
				if e.Total != 3 {
					t.Errorf("%q is %d of %d", e.Text, e.Done, e.Total)
				}
			}
		}
		want := []string{StageImage, StageProbe, StageBoot, StageInputs, StageEvaluate, StageBuild, StageExport}
		if !slices.Equal(stages, want) || building != 3 {
			t.Errorf("stages %q, %d derivations begun", stages, building)
		}
	})
	t.Run("exec", func(t *testing.T) { checkExecs(t, x) })
	t.Run("check", func(t *testing.T) { checkAgain(t, m, x) })
}

// importClosure has a Nix of the host read the export.
func importClosure(t *testing.T, x *Export) {
	t.Helper()
	f, err := os.Open(x.Path(ClosureFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	store := t.TempDir()
	cmd := exec.Command("nix-store", "--store", store, "--import")
	cmd.Env = append(os.Environ(), "NIX_CONFIG=require-sigs = false\nbuild-users-group =\nsandbox = false")
	cmd.Stdin = f
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("nix-store --import: %v: %s", err, &errs)
	}
	for _, want := range []string{"-image.drv", "-image", "-tool.drv", "-tool", "-source.txt.drv", "-source.txt"} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("the closure lacks *%s:\n%s", want, out)
		}
	}
}

// checkExecs looks for what the tool's build executed.
func checkExecs(t *testing.T, x *Export) {
	t.Helper()
	if x.Guest.ExecNote != "" {
		t.Fatalf("no exec record: %s", x.Guest.ExecNote)
	}
	f, err := os.Open(x.Path(ExecFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []wire.Exec
	for s := bufio.NewScanner(f); s.Scan(); {
		var e wire.Exec
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	find := func(path, drv string) []wire.Exec {
		var got []wire.Exec
		for _, e := range all {
			if e.Path == path && strings.HasSuffix(e.Drv, drv) {
				got = append(got, e)
			}
		}
		return got
	}
	shell := find("/bin/sh", "-tool.drv")
	tool := find("/build/echo", "-tool.drv")
	if len(shell) != 1 || len(tool) != 1 {
		t.Fatalf("want one record each of the shell and of the copied tool, there are %d and %d:\n%+v", len(shell), len(tool), all)
	}
	if shell[0].SHA256 == "" || shell[0].SHA256 != tool[0].SHA256 {
		t.Errorf("the tool is a copy of the shell, but %q is not %q", tool[0].SHA256, shell[0].SHA256)
	}
	if !strings.HasPrefix(tool[0].Output, "/nix/store/") || !strings.HasSuffix(tool[0].Output, "-tool") || shell[0].Output != tool[0].Output {
		t.Errorf("outputs %q and %q", shell[0].Output, tool[0].Output)
	}
	if shared := find("/dev/shm/echo", "-tool.drv"); len(shared) != 1 || shared[0].SHA256 != tool[0].SHA256 {
		t.Errorf("of a program in shared memory: %+v", shared)
	}
	opened := map[string]wire.Exec{}
	for _, e := range find("/build/made.jar", "-tool.drv") {
		opened[e.By+" "+e.As] = e
	}
	for _, by := range []string{"/bin/sh ", "/build/cat argument"} {
		if e, ok := opened[by]; !ok || e.SHA256 != "8dcc7e601606217f3b754766511182a916b17e9a26a94c9d887104eba92e9bb2" || !e.Opens {
			t.Errorf("an archive that %q opened: %+v", by, opened)
		}
	}
	if len(find("/build/echo", "-image.drv")) != 0 || len(find("/bin/sh", "-image.drv")) != 1 {
		t.Errorf("the image's build executed the shell and nothing else: %+v", all)
	}
}

func checkAgain(t *testing.T, m *Machine, x *Export) {
	t.Helper()
	ctx := t.Context()
	c, err := m.Check(ctx, x.Roots[0])
	if err != nil {
		t.Fatal(err)
	}
	if c.Exit != 0 || len(c.Outputs) != 1 || c.Outputs[0].CheckPath != "" || !strings.HasPrefix(c.Outputs[0].NarHash, "sha256-") {
		t.Errorf("image: %+v", c)
	}
	drv, err := m.words(ctx, "nix-instantiate", recipeDir+"/default.nix", "-A", "stamp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Output(ctx, "nix-store", "--realise", drv[0]); err != nil {
		t.Fatal(err)
	}
	if c, err = m.Check(ctx, drv[0]); err != nil {
		t.Fatal(err)
	}
	if c.Exit != 104 || len(c.Outputs) != 1 || c.Outputs[0].CheckHash == "" || c.Outputs[0].CheckHash == c.Outputs[0].NarHash {
		t.Errorf("stamp: %+v", c)
	}
}

func TestBuildFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "export")
	x, err := Build(t.Context(), smallRecipe(t, "broken"), dir, smallOptions())
	var be *BuildError
	if !errors.As(err, &be) || be.Stage != StageBuild {
		t.Fatalf("error %v", err)
	}
	if x == nil || x.Guest.Complete || x.Guest.Error == "" {
		t.Fatalf("export %+v", x)
	}
	b, err := os.ReadFile(x.Path(LogFile))
	if err != nil || !strings.Contains(string(b), "about to fail") {
		t.Errorf("log %q, %v", b, err)
	}
	if fi, err := os.Stat(x.Path(ClosureFile)); err != nil || fi.Size() == 0 {
		t.Errorf("the derivations were not exported: %v", err)
	}
	b, err = os.ReadFile(x.Path(GuestFile))
	if err != nil || !strings.Contains(string(b), `"complete": false`) {
		t.Errorf("guest.json %s, %v", b, err)
	}
}

func TestJail(t *testing.T) {
	if _, err := Build(t.Context(), smallRecipe(t, "jail"), t.TempDir(), smallOptions()); err != nil {
		t.Errorf("a build saw more than it must: %v", err)
	}
}

func TestBuildRefusesWrongInput(t *testing.T) {
	r := smallRecipe(t, "image")
	r.Inputs[0].SHA256 = strings.Repeat("0", 64)
	_, err := Build(t.Context(), r, t.TempDir(), smallOptions())
	if err == nil || !strings.Contains(err.Error(), `input "source.txt"`) {
		t.Errorf("error %v", err)
	}
}

func TestBuildCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := smallOptions()
	o.Progress = func(e Event) {
		if e.Stage == StageEvaluate {
			cancel()
		}
	}
	dir := t.TempDir()
	x, err := Build(ctx, smallRecipe(t, "image"), dir, o)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if x == nil || x.Guest.Complete {
		t.Errorf("export %+v", x)
	}
	if _, err := os.Stat(filepath.Join(dir, GuestFile)); err != nil {
		t.Error(err)
	}
}
