package vm

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"fromsource/vm/image"
	"fromsource/vm/qemu"
)

// Prepare makes sure that a recipe's image is cached and decides how guests
// run, without booting the recipe's own.
func Prepare(ctx context.Context, r Recipe, o Options) (*image.Image, Verdict, error) {
	s := &session{o: o, r: r}
	if err := s.prepare(ctx); err != nil {
		return nil, Verdict{}, err
	}
	return s.img, s.accel, nil
}

// List gives the cached images; a damaged one has an empty Manifest.
func List(o Options) ([]*image.Image, error) {
	dir, err := o.cache()
	if err != nil {
		return nil, err
	}
	return image.List(dir)
}

// Remove deletes a cached image by its key, or, for "", all that is cached
// for guests.
func Remove(o Options, key string) error {
	dir, err := o.cache()
	if err != nil {
		return err
	}
	return image.Remove(dir, key)
}

// Show prints how a recipe's guest is run: what its image is made of, and
// commands with which a user can boot the same guest by hand, its console on
// the terminal. The image is made where it is not cached.
func Show(ctx context.Context, w io.Writer, r Recipe, o Options) error {
	s := &session{o: o, r: r}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	c := s.config()
	q := c.qemu()
	q.Wiring = qemu.ByHand()
	var b strings.Builder
	fmt.Fprintf(&b, "# recipe %s: %s\n", r.Name, r.Summary)
	fmt.Fprintf(&b, "# evaluates: nix-instantiate %s\n", strings.Join(r.Arguments(recipeDir), " "))
	fmt.Fprintf(&b, "# network: %v; inputs: %d, in %s\n", r.Network, len(r.Inputs), srcsDir)
	for _, p := range r.Published {
		fmt.Fprintf(&b, "# published: sha256 %s by %s\n", p.SHA256, p.By)
	}
	fmt.Fprintf(&b, "# image: %s, kernel %s, %d packages\n", s.img.Key, s.img.Manifest.Kernel, len(s.img.Manifest.Packages))
	fmt.Fprintf(&b, "# accelerator: %s: %s\n", s.accel.Accel, s.accel.Why)
	fmt.Fprintf(&b, "truncate -s %dM disk.img\n", c.DiskMB)
	fmt.Fprintf(&b, "%s\n", qemu.Shell("mke2fs", append(append([]string{}, qemu.Mke2fsArgs...), "disk.img")))
	fmt.Fprintf(&b, "%s\n", qemu.Shell(qemu.Binary, qemu.Args(q)))
	_, err := io.WriteString(w, b.String())
	return err
}

// Shell runs an interactive shell in a guest of the recipe's size, with the
// recipe's files and inputs in place, on a terminal of the guest's own: the
// caller puts its terminal into raw mode. The guest is gone afterwards.
func Shell(ctx context.Context, r Recipe, o Options, in io.Reader, out io.Writer, env []string) (int, error) {
	s := &session{o: o, r: r}
	m, err := s.open(ctx)
	if err != nil {
		return -1, err
	}
	code, err := func() (int, error) {
		if err := s.stage(StageInputs, "copying the recipe and its inputs", func() error { return s.inputs(ctx, m) }); err != nil {
			return -1, err
		}
		return m.Run(ctx, Cmd{Argv: []string{"sh", "-l"}, Dir: recipeDir, Env: env, Stdin: in, Stdout: out, TTY: true})
	}()
	if cerr := m.Close(); err == nil {
		err = cerr
	}
	return code, err
}

// cache is the cache directory.
func (o *Options) cache() (string, error) {
	if o.CacheDir != "" {
		return filepath.Clean(o.CacheDir), nil
	}
	return image.DefaultDir()
}
