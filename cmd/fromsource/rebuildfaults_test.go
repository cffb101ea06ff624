package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// faultWorld is a Nix store of its own with one derivation that is built, and
// a binary cache of it, signed.
type faultWorld struct {
	t             *testing.T
	program       string
	dir, root     string
	drv           string
	narinfo       string // its file's name
	public, other string // keys
	env           []string
}

func newFaultWorld(t *testing.T) *faultWorld {
	t.Helper()
	w := &faultWorld{t: t, program: staticProgram(t), dir: t.TempDir()}
	w.root = filepath.Join(w.dir, "root")
	w.env = append(os.Environ(), "NIX_REMOTE=",
		"NIX_CONFIG=experimental-features = nix-command\nbuild-users-group =\nsubstitute = false\nfsync-metadata = false\nsandbox = true\nsandbox-paths = /bin/busybox")
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", w.root).Run() })
	const expr = `derivation { name = "plain"; system = builtins.currentSystem; builder = "/bin/busybox";
		args = [ "sh" "-c" "echo the same every time > $out" ]; }`
	w.drv = w.run("nix-instantiate", "--store", w.root, "-E", expr)
	out := strings.TrimPrefix(w.run("nix-store", "--store", w.root, "--realise", w.drv), w.root)
	key := func(name string) string {
		file := filepath.Join(w.dir, name)
		w.run("nix-store", "--generate-binary-cache-key", name, file, file+".pub")
		b, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	w.public, w.other = key("cache-1"), key("other-1")
	w.run("nix", "copy", "--no-check-sigs", "--from", w.root, "--to",
		"file://"+w.dir+"/cache?compression=none&secret-key="+w.dir+"/cache-1", out)
	hash, _, _ := strings.Cut(filepath.Base(out), "-")
	w.narinfo = hash + ".narinfo"
	return w
}

// run is a command that has to succeed; what it printed.
func (w *faultWorld) run(argv ...string) string {
	w.t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = w.env
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("%q: %v", argv, err)
	}
	return strings.TrimSpace(string(out))
}

// rebuild runs the real program; its exit code, and what it said.
func (w *faultWorld) rebuild(args ...string) (int, string) {
	w.t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(w.program, append([]string{"rebuild", "--store", w.root, w.drv}, args...)...)
	cmd.Env = w.env
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), said.String()
}

// A cache on the network, in every way in which one can be wrong: the build's
// own result stands, what is said is clear, and so is the exit code, with and
// without --strict. Once the cache is well, the same command asks it again
// where that makes sense.
func TestRebuildAgainstFaultyCaches(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t)
	files := http.FileServer(http.Dir(filepath.Join(w.dir, "cache")))
	record, err := os.ReadFile(filepath.Join(w.dir, "cache", w.narinfo))
	if err != nil {
		t.Fatal(err)
	}
	serve := func(b []byte) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(b) }
	}
	status := func(code int) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", code) }
	}
	hash := bytes.Index(record, []byte("NarHash: sha256:")) + len("NarHash: sha256:")
	wrongHash := bytes.Clone(record)
	copy(wrongHash[hash:], strings.Repeat("0", 10))
	unsigned := record[:bytes.Index(record, []byte("Sig: "))]
	for _, c := range []struct {
		name             string
		narinfo, nar     http.HandlerFunc // where not the cache's own
		key              string
		code, strictCode int
		want             string
		again            bool // asked again by the next run
	}{
		{name: "well", key: w.public, want: "│ reproduced"},
		{name: "404", key: w.public, narinfo: status(404), want: "nothing on record"},
		{name: "500", key: w.public, narinfo: status(500), strictCode: exitIncomplete, want: "could not be asked", again: true},
		{name: "garbage", key: w.public, narinfo: serve([]byte("<html>\x00\x1b[31m")), strictCode: exitIncomplete, want: "could not be asked", again: true},
		{name: "slow", key: w.public, want: "│ reproduced", narinfo: func(rw http.ResponseWriter, _ *http.Request) {
			for part := range bytes.Lines(record) {
				_, _ = rw.Write(part)
				rw.(http.Flusher).Flush()
				time.Sleep(100 * time.Millisecond)
			}
		}},
		{name: "stalled", key: w.public, strictCode: exitIncomplete, want: "sends nothing any more", again: true, narinfo: func(rw http.ResponseWriter, r *http.Request) {
			_, _ = rw.Write(record[:20])
			rw.(http.Flusher).Flush()
			<-r.Context().Done()
		}},
		{name: "NAR 500", key: w.public, nar: status(500), strictCode: exitIncomplete, want: "could not be asked: reading the bytes", again: true},
		{name: "NAR 404", key: w.public, nar: status(404), code: exitPolicy, strictCode: exitPolicy, want: "does not serve the bytes that its record promises", again: true},
		{name: "NAR garbage", key: w.public, nar: serve([]byte("nix-archive-1")), code: exitPolicy, strictCode: exitPolicy, want: "does not serve the bytes that its record promises", again: true},
		{name: "wrong hash", key: w.public, narinfo: serve(wrongHash), code: exitPolicy, strictCode: exitPolicy, want: `not what the trusted key "cache-1" has signed`, again: true},
		{name: "wrong hash, no key", narinfo: serve(wrongHash), code: exitPolicy, strictCode: exitPolicy, want: "does not serve the bytes that its record promises", again: true},
		{name: "wrong signature", key: w.other, code: exitPolicy, strictCode: exitPolicy, want: `signed by "cache-1", which is not trusted`, again: true},
		{name: "no signature", key: w.public, narinfo: serve(unsigned), code: exitPolicy, strictCode: exitPolicy, want: "its record is not signed", again: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var well atomic.Bool
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case !well.Load() && c.narinfo != nil && strings.HasSuffix(r.URL.Path, ".narinfo"):
					c.narinfo(rw, r)
				case !well.Load() && c.nar != nil && strings.HasPrefix(r.URL.Path, "/nar/"):
					c.nar(rw, r)
				default:
					files.ServeHTTP(rw, r)
				}
			}))
			defer srv.Close()
			args := []string{"--cache", srv.URL, "--journal", filepath.Join(t.TempDir(), "journal")}
			if c.key != "" {
				args = append(args, "--trusted-key", c.key)
			}
			usual := slices.Clip(args)
			if c.name == "stalled" {
				args = append(usual, "--cache-timeout", "1")
			}
			code, said := w.rebuild(args...)
			if code != c.code || !strings.Contains(said, c.want) || !strings.Contains(said, "│ first build") || strings.Contains(said, "\x1b[31m") {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, c.code, c.want, said)
			}
			if code, said = w.rebuild(append(args, "--strict")...); code != c.strictCode || !strings.Contains(said, c.want) {
				t.Errorf("with --strict: exit code %d, want %d:\n%s", code, c.strictCode, said)
			}
			srv.CloseClientConnections()
			well.Store(true)
			_, said = w.rebuild(usual...)
			if resumed := strings.Contains(said, "took 1 of 1 results from an earlier run's journal"); resumed == c.again {
				t.Errorf("resumed is %v:\n%s", resumed, said)
			}
			if c.again && c.key != w.other && !strings.Contains(said, srv.URL+" │ reproduced") {
				t.Errorf("a cache that is well again does not count:\n%s", said)
			}
		})
	}
	t.Run("gone", func(t *testing.T) {
		srv := httptest.NewServer(files)
		srv.Close()
		if code, said := w.rebuild("--cache", srv.URL, "--strict"); code != exitIncomplete || !strings.Contains(said, "could not be asked") {
			t.Errorf("exit code %d:\n%s", code, said)
		}
	})
}

// A remote builder that can't be reached, and a disk that is full: failed
// builds that the next run tries again, with the rest from the journal.
func TestRebuildOnFaultyBuilders(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t)
	w.env = append(w.env, "NIX_SSHOPTS=-p 1 -o ConnectTimeout=5 -o BatchMode=yes")
	unreachable := []string{
		"--option", "builders=ssh-ng://nobody@127.0.0.1 x86_64-linux,aarch64-linux - 1 1", "--option", "max-jobs=0",
		"--journal", filepath.Join(w.dir, "unreachable"),
	}
	for range 2 {
		if code, said := w.rebuild(unreachable...); code != exitPolicy || !strings.Contains(said, "a remote builder could not be reached") ||
			!strings.Contains(said, "0 results differ, 1 failed to build") || strings.Contains(said, "earlier run") {
			t.Errorf("exit code %d:\n%s", code, said)
		}
	}

	// The store is on a file system of its own that gets full.
	const expr = `derivation { name = "large"; system = builtins.currentSystem; builder = "/bin/busybox";
		args = [ "sh" "-c" "/bin/busybox dd if=/dev/zero of=$out bs=1M count=48 || exit 1" ]; }`
	small := filepath.Join(w.dir, "small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	w.run("mount", "-t", "tmpfs", "-o", "size=128m", "none", small)
	t.Cleanup(func() {
		waitUntil(t, "nobody to use the small file system", func() bool { return exec.Command("umount", small).Run() == nil })
	})
	large := w.run("nix-instantiate", "--store", small, "-E", expr)
	w.run("nix-store", "--store", small, "--realise", large)
	w.root, w.drv = small, large
	filler := filepath.Join(small, "filler")
	w.run("dd", "if=/dev/zero", "of="+filler, "bs=1M", "count=60")
	journal := filepath.Join(w.dir, "full")
	if code, said := w.rebuild("--journal", journal); code != exitPolicy || !strings.Contains(said, "the builder's disk is full") || !strings.Contains(said, "1 failed to build") {
		t.Errorf("disk full: exit code %d:\n%s", code, said)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if code, said := w.rebuild("--journal", journal); code != exitOK || !strings.Contains(said, "│ reproduced") {
		t.Errorf("with room again: exit code %d:\n%s", code, said)
	}
	if code, said := w.rebuild("--journal", journal); code != exitOK || !strings.Contains(said, "took 1 of 1 results") {
		t.Errorf("the third time: exit code %d:\n%s", code, said)
	}
}
