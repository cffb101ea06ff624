package rebuild

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fromsource/analyze/audit"
)

const sample = `
  dep = sh "dep" "echo dep > $out";
  good = drv "good" "mkdir $out $dev; echo $dep > $out/a; echo b > $dev/b" { inherit dep; outputs = [ "out" "dev" ]; };
  user = drv "user" "cat $good/a > $out" { inherit good; };
  bad = sh "bad" "mkdir $out; cat /proc/uptime > $out/when; echo same > $out/same";
  half = drv "half" "echo same > $out; cat /proc/uptime > $aaa; cat /proc/uptime > $zzz" { outputs = [ "out" "aaa" "zzz" ]; };
  ca = drv "ca" "cat /proc/uptime > $out" { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  cagood = drv "cagood" "echo $dep > $out" { inherit dep; __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  broken = sh "broken" "echo first words; echo last words; exit 3";
  fetch = derivation { name = "fetch"; builder = "builtin:fetchurl"; system = "builtin"; url = "file:///bin/busybox";
    urls = [ "file:///bin/busybox" ]; executable = false; unpack = false; preferLocalBuild = true;
    outputHash = builtins.hashFile "sha256" /bin/busybox; outputHashAlgo = "sha256"; outputHashMode = "flat"; };
`

func TestFresh(t *testing.T) {
	w := newWorld(t, sample)
	for _, tt := range []struct {
		attr string
		same []bool // by output, sorted by name
	}{
		{"good", []bool{true, true}},
		{"user", []bool{true}},
		{"bad", []bool{false}},
		{"half", []bool{false, true, false}},
		{"ca", []bool{false}},
		{"cagood", []bool{true}},
		{"fetch", []bool{true}},
	} {
		t.Run(tt.attr, func(t *testing.T) {
			j := w.job(tt.attr)
			b := w.build(w.nix(Fresh), j)
			if len(b.Outputs) != len(tt.same) {
				t.Fatalf("got %d outputs, want %d", len(b.Outputs), len(tt.same))
			}
			for i, o := range b.Outputs {
				if o.NarHash == "" || o.First.NarHash == "" {
					t.Fatalf("output %s: no hash: %+v", o.Name, o)
				}
				if same := o.NarHash == o.First.NarHash; same != tt.same[i] {
					t.Errorf("output %s: same is %v, want %v", o.Name, same, tt.same[i])
				}
				// The hash on record is that of the bytes one gets.
				for _, c := range []struct {
					want string
					open Opener
				}{{o.NarHash, o.Open}, {o.First.NarHash, o.First.Open}} {
					got, _, err := hashNAR(context.Background(), c.open)
					if err != nil || got != c.want {
						t.Errorf("output %s: bytes have %s (%v), on record is %s", o.Name, got, err, c.want)
					}
				}
			}
		})
	}
}

// The first store must be the same before and after, and nothing must be left
// beside it.
func TestFreshLeavesNothing(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("user")
	before := w.run("nix-store", "--store", w.root, "--dump-db")
	b, err := w.nix(Fresh).Build(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Release(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after := w.run("nix-store", "--store", w.root, "--dump-db"); after != before {
		t.Errorf("the store changed:\n%s\nwas\n%s", after, before)
	}
	w.run("nix-store", "--store", w.root, "--verify", "--check-contents")
	left, err := os.ReadDir(filepath.Join(w.root, "nix/var/fromsource"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestCheck(t *testing.T) {
	w := newWorld(t, sample)
	b := w.build(w.nix(Check), w.job("good"))
	for _, o := range b.Outputs {
		if o.NarHash == "" || o.NarHash != o.First.NarHash || o.Note != checkNote {
			t.Errorf("good: %+v", o)
		}
	}
	b = w.build(w.nix(Check), w.job("bad"))
	if o := b.Outputs[0]; o.NarHash == "" || o.NarHash == o.First.NarHash {
		t.Errorf("bad: %+v", o)
	}
	// Nix stops at the first output that differs: nothing is known of others.
	b = w.build(w.nix(Check), w.job("half"))
	var differ, silent int
	for _, o := range b.Outputs {
		switch {
		case o.NarHash == "" && o.Note != "":
			silent++
		case o.NarHash != o.First.NarHash:
			differ++
		}
	}
	if differ != 1 || silent != 2 {
		t.Errorf("half: %d differ and %d are not known, want 1 and 2: %+v", differ, silent, b.Outputs)
	}
	// --check passes a content-addressed output silently, so it is not asked.
	var not *NotAttemptedError
	if _, err := w.nix(Check).Build(context.Background(), w.job("ca")); !errors.As(err, &not) {
		t.Errorf("ca: got %v, want a refusal", err)
	}
	if _, err := w.nix(Check).Build(context.Background(), w.unbuilt("user")); !errors.As(err, &not) {
		t.Errorf("not built before: got %v, want a refusal", err)
	}
}

// What the refusal above is for: Nix's own --check is content with a
// content-addressed output that is another one each time (nix issue 5336), and
// a fresh store shows that it is.
func TestCheckSaysNothingOfContentAddressed(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("ca")
	log, err := exec.Command("nix-store", "--store", w.root, "--realise", "--check", j.Drv).CombinedOutput()
	if err != nil || !strings.Contains(string(log), "checking outputs of '"+j.Drv+"'") {
		t.Errorf("Nix tells now: %v\n%s", err, log)
	}
	rs, err := Run(context.Background(), []*Job{j}, Options{Builders: []Builder{w.nix(Fresh)}})
	if err != nil || len(rs) != 1 || rs[0].Result != audit.Differs || rs[0].Got == rs[0].Expected || rs[0].Got == "" {
		t.Errorf("fresh: %+v, %v", rs, err)
	}
}

// Where Nix does not keep what differs, that it differs is known all the same.
func TestCheckNotKept(t *testing.T) {
	w := newWorld(t, sample)
	n := w.nix(Check)
	n.Options = []Option{{"run-diff-hook", "false"}}
	rs, err := Run(context.Background(), []*Job{w.job("bad"), w.job("half")}, Options{Builders: []Builder{n}})
	if err != nil {
		t.Fatal(err)
	}
	var differ, silent int
	for _, r := range rs {
		switch {
		case r.Result == audit.Differs && r.Expected != "" && r.Got == "" && strings.Contains(r.Reason, "has not kept"):
			differ++
		case r.Result == audit.NotAttempted:
			silent++
		}
	}
	if len(rs) != 4 || differ != 2 || silent != 2 {
		t.Errorf("%d differ, %d are not known: %+v", differ, silent, rs)
	}
}

// Bytes that were changed behind Nix's back must not pass as the first build.
func TestCheckTamperedStore(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("dep")
	at := filepath.Join(w.root, j.Outputs[0].Path)
	if err := os.Chmod(at, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte("bad\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := w.build(w.nix(Check), j)
	if o := b.Outputs[0]; o.NarHash != "" || !strings.Contains(o.Note, "have changed") {
		t.Errorf("tampered first build: %+v", o)
	}
}

func TestBuildFails(t *testing.T) {
	w := newWorld(t, sample)
	j := w.unbuilt("broken")
	_, err := w.nix(Fresh).Build(context.Background(), j)
	var failed *BuildError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want a build error", err)
	}
	if failed.Why != "builder failed" || failed.Exit != 100 || !strings.Contains(failed.Log, "last words") || failed.Transient {
		t.Errorf("got %+v", failed)
	}
}

func TestFetchedAnew(t *testing.T) {
	source := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(source, []byte("one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, strings.ReplaceAll(sample, "/bin/busybox", source), source)
	j := w.job("fetch")
	if err := os.WriteFile(source, []byte("two\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, m := range []Method{Fresh, Check} {
		b := w.build(w.nix(m), j)
		f := b.Outputs[0].Flat
		if f == nil || f.Specified == f.Got || !strings.HasPrefix(f.Got, "sha256-") {
			t.Errorf("%v: got %+v, want a mismatch", m, f)
		}
	}
	if err := os.Remove(source); err != nil {
		t.Fatal(err)
	}
	var failed *BuildError
	if _, err := w.nix(Fresh).Build(context.Background(), j); !errors.As(err, &failed) {
		t.Errorf("the URL is gone: got %v, want a build error", err)
	}
}

func TestPlain(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("user")
	other := newWorld(t, sample)
	if drv := other.instantiate("user"); drv != j.Drv {
		t.Fatalf("instantiated %s, want %s", drv, j.Drv)
	}
	n := other.nix(Plain)
	b := other.build(n, j)
	first := w.build(w.nix(Fresh), j)
	if got, want := b.Outputs[0].NarHash, first.Outputs[0].First.NarHash; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// An input that was built on the way counts as built here.
	other.build(n, w.job("good"))
	// What another builder left there does not.
	var not *NotAttemptedError
	if _, err := other.nix(Plain).Build(context.Background(), j); !errors.As(err, &not) {
		t.Errorf("outputs were there: got %v, want a refusal", err)
	}
}

// Nix's own remote builders are passed through: here one that is another store
// of this machine, with no local job allowed.
func TestRemoteBuilder(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("user")
	remote := filepath.Join(t.TempDir(), "remote")
	t.Cleanup(func() { chmodAll(remote) })
	n := w.nix(Fresh)
	n.Options = []Option{{"builders", remote + " x86_64-linux,aarch64-linux - 1 1"}, {"max-jobs", "0"}}
	b := w.build(n, j)
	if o := b.Outputs[0]; o.NarHash == "" || o.NarHash != o.First.NarHash {
		t.Errorf("got %+v", o)
	}
	if _, err := os.Stat(filepath.Join(remote, j.Outputs[0].Path)); err != nil {
		t.Errorf("the remote store has not built it: %v", err)
	}
}

func TestMissingInput(t *testing.T) {
	w := newWorld(t, sample)
	j := w.unbuilt("user") // its input is not built
	var not *NotAttemptedError
	if _, err := w.nix(Fresh).Build(context.Background(), j); !errors.As(err, &not) {
		t.Errorf("got %v, want a refusal", err)
	}
}
