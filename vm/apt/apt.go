// Package apt drives the host's own apt on a private state: an empty list of
// installed packages, and index files and downloads of its own. Nothing of the
// host is changed, and no privilege is needed. Keys, proxies and credentials
// are the host's, and so are its sources, unless others are set.
package apt

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// APT is a private state. Create it with New.
type APT struct{ dir string }

// Options say how a state differs from the host's.
type Options struct {
	// Architecture of packages; the host's, and those it allows beside its
	// own, when empty.
	Architecture string
	// OwnSources takes the host's sources out: Use sets others.
	OwnSources bool
	// ReleasesOnly reads who is behind a source, and none of its indexes.
	ReleasesOnly bool
}

// common is read after the host's configuration. Hooks of the host are for
// changes of the host and are taken out. "none" keeps translations away.
const common = `Dir::State %[1]q;
Dir::State::lists %[2]q;
Dir::State::status %[3]q;
Dir::State::extended_states %[4]q;
Dir::Cache %[5]q;
Dir::Cache::archives %[6]q;
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
`

// New prepares a private state in dir, or takes up the one that is there.
func New(dir string, o Options) (*APT, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	a := &APT{dir}
	for _, d := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(a.path(d), 0o755); err != nil {
			return nil, err
		}
	}
	conf := fmt.Sprintf(common, a.path("state"), a.Lists(), a.path("state/status"), a.path("state/extended_states"),
		a.path("cache"), a.path("cache/archives"))
	if o.OwnSources {
		conf += fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"/dev/null\";\n", a.path("sources.list"))
	}
	if o.ReleasesOnly {
		conf += "#clear Acquire::IndexTargets;\n"
	}
	if o.Architecture != "" {
		conf += fmt.Sprintf("APT::Architecture %q;\n#clear APT::Architectures;\n", o.Architecture)
	}
	for name, text := range map[string]string{"state/status": "", "apt.conf": conf} {
		if err := os.WriteFile(a.path(name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *APT) path(name string) string { return filepath.Join(a.dir, name) }

// Lists is the folder of index files.
func (a *APT) Lists() string { return a.path("state/lists") }

// Use makes lines of sources.list(5) the only sources, and reads their index
// files.
func (a *APT) Use(ctx context.Context, lines string) error {
	if err := os.WriteFile(a.path("sources.list"), []byte(lines), 0o644); err != nil {
		return err
	}
	_, err := a.Run(ctx, "", "apt-get", "update", "-q", "--error-on=any")
	return err
}

// Update reads the index files of the sources as they are.
func (a *APT) Update(ctx context.Context) error {
	_, err := a.Run(ctx, "", "apt-get", "update", "-q")
	return err
}

// Run runs one of apt's programs in dir on the private state and gives its
// standard output.
func (a *APT) Run(ctx context.Context, dir, prog string, args ...string) ([]byte, error) {
	return Run(ctx, dir, prog, append([]string{"-c", a.path("apt.conf")}, args...)...)
}

// Run runs one of apt's programs in dir as the host has it configured. An error
// has the end of what it said.
func Run(ctx context.Context, dir, prog string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, prog, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var out bytes.Buffer
	var said tail
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s: %w: %s", prog, err, said.lines(5))
	}
	return out.Bytes(), nil
}

// tail keeps the end of what is written.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.b = append(t.b, p...)
	if over := len(t.b) - most; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}

// lines is the last n lines, in one.
func (t *tail) lines(n int) string {
	l := strings.Split(strings.TrimSpace(string(t.b)), "\n")
	return strings.Join(l[max(0, len(l)-n):], "; ")
}
