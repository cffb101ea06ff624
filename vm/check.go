package vm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nix-community/go-nix/pkg/nixhash"
)

// Checked is what a rebuild with --check found.
type Checked struct {
	// Exit is nix-store's status. 0 says that Nix saw no difference, which
	// for content-addressed derivations it says whatever it saw: compare
	// hashes. 104 says that it saw one. Others are failures, see LogTail.
	Exit    int
	Outputs []CheckedOutput
	// LogTail is the end of the build's log.
	LogTail string
}

// CheckedOutput is one output of a derivation that was built again.
type CheckedOutput struct {
	Path string
	// NarHash is that of the first build, as registered; SRI sha256.
	NarHash string
	// CheckPath is where Nix kept an output that differs, and CheckHash the
	// hash of its NAR. Both are empty where it kept none.
	CheckPath, CheckHash string
}

// Check builds a derivation again whose outputs are valid in the guest's
// store, and gives the hashes of both builds. A rebuild that fails is no
// error: Exit says so.
func (m *Machine) Check(ctx context.Context, drv string) (Checked, error) {
	var c Checked
	outs, err := m.words(ctx, "nix-store", "--query", "--outputs", drv)
	if err != nil {
		return c, fmt.Errorf("checking %q: %w", drv, err)
	}
	mark := m.mark()
	log := newTailWriter(64 << 10)
	c.Exit, err = m.Run(ctx, Cmd{Argv: []string{"nix-store", "--realise", "--check", "--keep-failed", drv}, Stderr: log})
	if err != nil {
		return c, fmt.Errorf("checking %q: %w", drv, err)
	}
	c.LogTail = log.String()
	if c.Exit != 0 && c.Exit != 104 {
		if f := m.trouble(mark, c.LogTail); f != nil {
			return c, fmt.Errorf("checking %q: %w", drv, f)
		}
	}
	for _, p := range outs {
		o := CheckedOutput{Path: p}
		h, err := m.words(ctx, "nix-store", "--query", "--hash", p)
		if err != nil {
			return c, fmt.Errorf("checking %q: %w", drv, err)
		}
		if len(h) != 1 {
			return c, fmt.Errorf("checking %q: nix-store --query --hash said %q", drv, h)
		}
		if o.NarHash, err = sri(h[0]); err != nil {
			return c, err
		}
		other := p + ".check"
		code, err := m.Run(ctx, Cmd{Argv: []string{"test", "-e", other, "-o", "-L", other}})
		if err != nil {
			return c, err
		}
		if code == 0 {
			h, err := m.words(ctx, "nix-hash", "--type", "sha256", "--base32", other)
			if err != nil {
				return c, fmt.Errorf("hashing %q: %w", other, err)
			}
			if len(h) != 1 {
				return c, fmt.Errorf("hashing %q: nix-hash said %q", other, h)
			}
			o.CheckPath = other
			if o.CheckHash, err = sri("sha256:" + h[0]); err != nil {
				return c, err
			}
		}
		c.Outputs = append(c.Outputs, o)
	}
	return c, nil
}

// sri puts Nix's sha256:... in the form of Subresource Integrity.
func sri(s string) (string, error) {
	h, err := nixhash.ParseAny(s, nil)
	if err != nil {
		return "", fmt.Errorf("hash %q: %w", s, err)
	}
	return h.Format(nixhash.SRI, true), nil
}

// mark is a point in a machine's life, to tell later troubles from earlier.
func (m *Machine) mark() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.ooms)
}

// trouble tells whether a command that failed did so for want of memory or of
// space: by the kernel's word since mark, by how little space there was, and
// by the end of the command's log.
func (m *Machine) trouble(mark int, log string) *Failure {
	if err := m.Err(); err != nil {
		var f *Failure
		if errors.As(err, &f) {
			return f
		}
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f := &Failure{Console: ConsoleTail(m.proc.Console())}
	if len(m.ooms) > mark {
		f.Kind, f.Detail = ErrNoMemory, m.ooms[len(m.ooms)-1]
		return f
	}
	st := m.state
	for _, s := range diskFull {
		if strings.Contains(log, s) {
			f.Kind = ErrDiskFull
			f.Detail = fmt.Sprintf("%q in the log; %s of %s were free at the least", s, megabytes(st.LowDisk), megabytes(st.DiskTotal))
			return f
		}
	}
	if st.DiskTotal > 0 && st.LowDisk < st.DiskTotal/200 {
		f.Kind = ErrDiskFull
		f.Detail = fmt.Sprintf("%s of %s were free at the least", megabytes(st.LowDisk), megabytes(st.DiskTotal))
		return f
	}
	return nil
}
