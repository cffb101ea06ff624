// Package store reads what lies at store paths, as NAR streams, wherever it
// is kept: a local store, a binary cache (a directory or over HTTP), a stream
// of nix-store --export. It writes to none of them.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/nix-community/go-nix/pkg/nixbase32"
	"github.com/nix-community/go-nix/pkg/nixhash"
)

// ErrNotFound says that a store has not got a path.
var ErrNotFound = errors.New("path is not in the store")

// ErrMismatch says that a NAR's bytes are not those that its record promises.
var ErrMismatch = errors.New("contents do not match the record")

// Info is what a store knows of a path. Fields that it has no record of are
// empty.
type Info struct {
	Path       string
	NarHash    string   // of the NAR serialisation: SRI, "sha256-…"
	NarSize    int64    // in bytes
	References []string // full store paths, sorted
	Deriver    string   // full store path
	CA         string   // content address, as Nix writes it
	// What a binary cache records beside it.
	Sigs        []string // "name:base64", as published
	URL         string   // of the NAR file, relative to the cache
	Compression string   // of the NAR file
	FileHash    string   // of the NAR file, as published
	FileSize    int64    // of the NAR file, in bytes
}

// Store is a place to read store paths from. Implementations are safe for
// concurrent use.
type Store interface {
	// Info describes a path. errors.Is(err, ErrNotFound) if the store has it
	// not.
	Info(ctx context.Context, path string) (Info, error)
	// NAR streams the serialisation of a path. Where there is a record of its
	// hash, the stream ends with ErrMismatch instead of io.EOF if the bytes
	// are others.
	NAR(ctx context.Context, path string) (io.ReadCloser, error)
}

// Multi asks several stores in turn: the first that has a path answers.
// An error of one is returned only if no later one has the path.
func Multi(stores ...Store) Store { return multi(stores) }

type multi []Store

func (m multi) Info(ctx context.Context, p string) (Info, error) {
	return first(m, p, func(s Store) (Info, error) { return s.Info(ctx, p) })
}

func (m multi) NAR(ctx context.Context, p string) (io.ReadCloser, error) {
	return first(m, p, func(s Store) (io.ReadCloser, error) { return s.NAR(ctx, p) })
}

func first[T any](m multi, p string, ask func(Store) (T, error)) (T, error) {
	var zero T
	var failed []error
	for _, s := range m {
		v, err := ask(s)
		if err == nil {
			return v, nil
		}
		if !errors.Is(err, ErrNotFound) {
			failed = append(failed, err)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return zero, err
	}
	return zero, notFound(p)
}

func notFound(p string) error { return fmt.Errorf("%q: %w", p, ErrNotFound) }

// hashLen is the length of a store path's hash part.
const hashLen = 32

// splitPath checks that p is a path right in a store and cuts it up.
func splitPath(p string) (dir, base string, err error) {
	dir, base = path.Split(p)
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" || dir[0] != '/' || !validBase(base) {
		return "", "", fmt.Errorf("%q is not a store path", p)
	}
	return dir, base, nil
}

// validBase reports whether b is a store path's last part: "hash-name".
func validBase(b string) bool {
	if len(b) < hashLen+2 || b[hashLen] != '-' || nixbase32.ValidateString(b[:hashLen]) != nil {
		return false
	}
	for _, c := range []byte(b[hashLen+1:]) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', strings.IndexByte("+-._?=", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// sri rewrites a hash in any of Nix's notations as SRI.
func sri(h string) (string, error) {
	v, err := nixhash.ParseAny(h, nil)
	if err != nil {
		return "", fmt.Errorf("hash %q: %w", h, err)
	}
	return v.Format(nixhash.SRI, true), nil
}
