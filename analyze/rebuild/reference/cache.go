package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nix-community/go-nix/pkg/narinfo/signature"

	"fromsource/closure/store"
)

// CacheOptions say how far a binary cache is believed.
type CacheOptions struct {
	// Trusted are public keys as Nix writes them, "name:base64". With none
	// given signatures are not checked, and every record says so.
	Trusted []string
	// Bytes makes Lookup read and verify the NAR behind a record too: a
	// record alone does not show that the cache still serves those bytes.
	Bytes bool
}

// Cache is a binary cache as a source. Create it with NewCache.
type Cache struct {
	name  string
	store store.Store
	keys  []string
	bytes bool
}

// NewCache makes a source of a store, under the name that reports use.
func NewCache(name string, s store.Store, o CacheOptions) (*Cache, error) {
	c := &Cache{name: name, store: s, bytes: o.Bytes}
	for _, k := range o.Trusted {
		k = strings.TrimSpace(k)
		if _, err := signature.ParsePublicKey(k); err != nil {
			return nil, fmt.Errorf("trusted key %q: %w", k, err)
		}
		c.keys = append(c.keys, k)
	}
	return c, nil
}

// OpenCache opens a binary cache by its address: a directory, file:// or
// http(s)://.
func OpenCache(address string, so store.CacheOptions, o CacheOptions) (*Cache, error) {
	if so.Client == nil {
		so.Client = client(so.Stall)
	}
	s, err := store.OpenCache(address, so)
	if err != nil {
		return nil, err
	}
	return NewCache(strings.TrimSuffix(address, "/"), s, o)
}

// Name implements Source.
func (c *Cache) Name() string { return c.name }

// Lookup implements Source.
func (c *Cache) Lookup(ctx context.Context, q Query) ([]Record, error) {
	if q.Path == "" {
		return nil, ErrNone
	}
	info, err := c.store.Info(ctx, q.Path)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", c.name, err)
	}
	r := Record{Against: c.name, NarHash: info.NarHash, NarSize: info.NarSize}
	r.Problem, r.Note = c.signed(info)
	if r.Problem != "" {
		return []Record{r}, nil
	}
	r.Open = func(ctx context.Context) (io.ReadCloser, error) { return c.store.NAR(ctx, q.Path) }
	if c.bytes {
		watch, t := watched(ctx)
		if err := c.read(watch, r.Open); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			// A server that is in trouble has not broken its promise.
			if t.last() != nil && !errors.Is(err, store.ErrMismatch) {
				return nil, fmt.Errorf("reading the bytes from %s: %w", c.name, err)
			}
			r.Problem, r.Open = "it does not serve the bytes that its record promises: "+err.Error(), nil
		}
	}
	return []Record{r}, nil
}

// read takes a NAR to its end; the store verifies it on the way.
func (c *Cache) read(ctx context.Context, open func(context.Context) (io.ReadCloser, error)) error {
	rc, err := open(ctx)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, rc)
	return errors.Join(err, rc.Close())
}

// signed judges a record's signatures by the trusted keys. One that verifies
// is enough, as it is for Nix.
func (c *Cache) signed(info store.Info) (problem, note string) {
	if len(c.keys) == 0 {
		return "", "its signature was not checked: no trusted key was given"
	}
	by, err := info.SignedBy(c.keys...)
	if err != nil {
		return "its record can't be signed: " + err.Error(), ""
	}
	if by != "" {
		return "", ""
	}
	var wrong, strange []string
	for _, s := range info.Sigs {
		name, _, _ := strings.Cut(s, ":")
		if c.trusts(name) {
			wrong = append(wrong, fmt.Sprintf("%q", name))
		} else {
			strange = append(strange, fmt.Sprintf("%q", name))
		}
	}
	switch {
	case len(wrong) > 0:
		return "its record is not what the trusted key " + strings.Join(wrong, ", ") + " has signed", ""
	case len(strange) > 0:
		return "its record is signed by " + strings.Join(strange, ", ") + ", which is not trusted", ""
	}
	return "its record is not signed", ""
}

func (c *Cache) trusts(name string) bool {
	return slices.ContainsFunc(c.keys, func(k string) bool { return strings.HasPrefix(k, name+":") })
}
