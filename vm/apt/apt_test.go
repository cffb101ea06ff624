package apt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostile is a host's configuration with hooks, which must not run.
func hostile(t *testing.T) (marker string) {
	t.Helper()
	dir := t.TempDir()
	marker = filepath.Join(dir, "hook-ran")
	conf := filepath.Join(dir, "host.conf")
	text := `APT::Update::Pre-Invoke { "touch ` + marker + `"; };
APT::Update::Post-Invoke { "touch ` + marker + `"; };
Dir::Etc::sourcelist "` + dir + `/host.list";
Dir::Etc::sourceparts "/dev/null";
`
	for name, b := range map[string]string{conf: text, dir + "/host.list": "deb [trusted=yes] file:" + dir + "/none host main\n"} {
		if err := os.WriteFile(name, []byte(b), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("APT_CONFIG", conf)
	return marker
}

// What apt says of itself with the private state: its folders are ours, its
// sources the host's or ours, and no hook of the host runs.
func TestState(t *testing.T) {
	marker := hostile(t)
	for _, o := range []Options{{}, {OwnSources: true, Architecture: "arm64"}} {
		dir := t.TempDir()
		a, err := New(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		out, err := a.Run(t.Context(), "", "apt-config", "shell", "STATUS", "Dir::State::status/f", "LISTS", "Dir::State::lists/d",
			"ARCHIVES", "Dir::Cache::archives/d", "SOURCES", "Dir::Etc::sourcelist/f", "ARCH", "APT::Architecture")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"STATUS='" + dir + "/state/status'", "LISTS='" + dir + "/state/lists/'", "ARCHIVES='" + dir + "/cache/archives/'"} {
			if !strings.Contains(string(out), want+"\n") {
				t.Errorf("no %s in\n%s", want, out)
			}
		}
		if own := strings.Contains(string(out), "SOURCES='"+dir+"/sources.list'\n"); own != o.OwnSources {
			t.Errorf("own sources: %v in\n%s", own, out)
		}
		if arch := strings.Contains(string(out), "ARCH='arm64'\n"); arch != (o.Architecture == "arm64") {
			t.Errorf("architecture:\n%s", out)
		}
		// There is no such archive; the error says so in apt's words.
		if o.OwnSources {
			err = a.Use(t.Context(), "deb [trusted=yes] file:"+dir+"/nowhere bookworm main\n")
			if err == nil || !strings.HasPrefix(err.Error(), "apt-get: exit status 100: ") || !strings.Contains(err.Error(), "/nowhere") {
				t.Errorf("update: %v", err)
			}
		} else {
			_ = a.Update(t.Context()) // apt may take a missing archive for a warning
		}
		if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a hook of the host has run: %v", err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "state/status")); err != nil || len(b) != 0 {
			t.Errorf("the list of installed packages: %q, %v", b, err)
		}
	}
}

func TestRunCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, "", "apt-config", "dump"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTail(t *testing.T) {
	var s tail
	for range 2000 {
		if _, err := s.Write([]byte("line\n")); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.lines(2); got != "line; line" || len(s.b) > 4<<10 {
		t.Errorf("%q of %d bytes", got, len(s.b))
	}
}
