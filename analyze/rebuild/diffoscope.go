package rebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"fromsource/analyze/rebuild/compare"
)

// Diffoscope runs diffoscope on outputs that differ, on this machine.
type Diffoscope struct {
	// Command is the program; "diffoscope" if empty.
	Command string
	// Args are given before ours: limits, for instance.
	Args []string
	// Dir is where its HTML goes; it must exist.
	Dir string
	// TempDir holds the unpacked outputs meanwhile; the system's default if
	// empty.
	TempDir string
}

// run describes two outputs and returns the file's name in Dir, which depends
// on nothing but what is compared.
func (d *Diffoscope) run(ctx context.Context, by string, o *BuiltOutput, e expected) (file string, err error) {
	tmp, err := os.MkdirTemp(d.TempDir, "fromsource-diffoscope-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	for name, open := range map[string]Opener{"on-record": e.open, "rebuilt": o.Open} {
		if err := compare.Restore(ctx, compare.Opener(open), tmp, name); err != nil {
			return "", fmt.Errorf("unpacking: %w", err)
		}
	}
	sum := sha256.Sum256([]byte(by + "\x00" + e.name + "\x00" + e.hash + "\x00" + o.NarHash))
	file = path.Base(o.Path) + "-" + hex.EncodeToString(sum[:4]) + ".html"
	html := filepath.Join(tmp, "out.html")
	command := d.Command
	if command == "" {
		command = "diffoscope"
	}
	argv := append([]string{command}, d.Args...)
	argv = append(argv, "--no-progress", "--html", html, filepath.Join(tmp, "on-record"), filepath.Join(tmp, "rebuilt"))
	errs := &tail{max: tailBytes}
	exit, err := Local{}.Run(ctx, Cmd{Argv: argv, Stdout: errs, Stderr: errs})
	if err != nil {
		return "", err
	}
	if exit != 1 { // 0 is "no difference", 2 is trouble
		return "", fmt.Errorf("exit status %d: %s", exit, lastLine(errs.String()))
	}
	b, err := os.ReadFile(html)
	if err != nil {
		return "", err
	}
	// Our own folder's name is another each time and says nothing.
	b = []byte(strings.ReplaceAll(string(b), tmp+"/", ""))
	return file, os.WriteFile(filepath.Join(d.Dir, file), b, 0o644)
}
