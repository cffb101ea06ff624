package closure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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
	FormAttr   = "attr"   // an attribute of a Nix file, for the user's own Nix
	FormUnion  = "union"  // several inputs, made by UnionInput
)

// DrvInput is a derivation and the closure that its store holds. drv is a
// file or, with a storeRoot that is not "", a store path in that root.
func DrvInput(drv, storeRoot string) Input {
	return Input{FormDrv, drv, func(_ context.Context, o Options) (source, error) {
		return openDrvs([]string{drv}, storeRoot, o)
	}}
}

// openDrvs starts from derivations that lie in one store.
func openDrvs(drvs []string, storeRoot string, o Options) (source, error) {
	dir, names := "", []string(nil)
	for _, drv := range drvs {
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
		if file, err = filepath.Abs(file); err != nil {
			return nil, err
		}
		if d := filepath.Dir(file); dir == "" {
			dir = d
		} else if d != dir {
			return nil, fmt.Errorf("%q and %q are in different stores", drvs[0], drv)
		}
		names = append(names, filepath.Base(file))
	}
	return openDir(dir, o, names)
}

// DirInput is all derivations in a directory, or in the store of a store
// root.
func DirInput(dir string) Input {
	return Input{FormDir, dir, func(_ context.Context, o Options) (source, error) {
		if inner := filepath.Join(dir, defaultStoreDir); isDir(inner) {
			return openDir(inner, o, nil)
		}
		return openDir(dir, o, nil)
	}}
}

func isDir(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}
