package closure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Input is where derivations come from. Make one with Detect or with the
// constructor of its form.
type Input struct {
	form, name string
	open       func(context.Context, Options) (source, error)
}

// String names the input for messages.
func (in Input) String() string { return fmt.Sprintf("%s %q", in.form, in.name) }

// Form is the form of the input: one of the constants.
func (in Input) Form() string { return in.form }

// The forms of input, as Detect takes them.
const (
	FormDrv    = "drv"    // a .drv file, with its closure beside it
	FormDir    = "dir"    // a directory of .drv files, or a store root
	FormExport = "export" // a stream of nix-store --export
	FormJSON   = "json"   // nix show-derivation, nix derivation show
	FormCache  = "cache"  // a binary cache, by directory or URL
	FormFlake  = "flake"  // a flake reference, for the user's own Nix
)

// DrvInput is a derivation and the closure that its store holds. drv is a
// file or, with a storeRoot that is not "", a store path in that root.
func DrvInput(drv, storeRoot string) Input {
	return Input{FormDrv, drv, func(_ context.Context, o Options) (source, error) {
		file := drv
		if storeRoot != "" {
			if _, err := os.Stat(storeRoot); err != nil {
				return nil, fmt.Errorf("store root: %w", err)
			}
			file = filepath.Join(storeRoot, drv)
		}
		file, err := filepath.EvalSymlinks(file)
		if err != nil {
			return nil, err
		}
		return openDir(filepath.Dir(file), o, []string{filepath.Base(file)})
	}}
}

// DirInput is all derivations in a directory, or in the store of a store
// root.
func DirInput(dir string) Input {
	return Input{FormDir, dir, func(_ context.Context, o Options) (source, error) {
		if st, err := os.Stat(filepath.Join(dir, defaultStoreDir)); err == nil && st.IsDir() {
			return openDir(filepath.Join(dir, defaultStoreDir), o, nil)
		}
		return openDir(strings.TrimSuffix(dir, "/."), o, nil)
	}}
}
