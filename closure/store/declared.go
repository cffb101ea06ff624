package store

import (
	"context"
	"crypto/md5"  //nolint:gosec // Nix accepts it in old fixed-output derivations
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/nix-community/go-nix/pkg/nar"
)

// CheckDeclared compares the content of a store path with the hash that a
// fixed-output derivation declares: hashAlgo as the derivation has it, with
// the method before it ("sha256" of a file, "r:sha256" of the NAR), and the
// hash in base16. What lies at a store path need not be what belongs there: a
// build that was interrupted leaves a path that was never valid. The error
// wraps ErrMismatch where the content is another one.
func CheckDeclared(ctx context.Context, s Store, p, hashAlgo, want string) (err error) {
	method, algo := "flat", hashAlgo
	if m, a, ok := strings.Cut(hashAlgo, ":"); ok {
		method, algo = m, a
	}
	h, err := newHash(algo)
	if err != nil {
		return fmt.Errorf("checking the declared hash of %q: %w", p, err)
	}
	r, err := s.NAR(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	switch method {
	case "r", "nar":
		_, err = io.Copy(h, r)
	case "flat", "text":
		err = hashFile(h, r)
	default:
		err = fmt.Errorf("method %q is not known", method)
	}
	if err != nil {
		return fmt.Errorf("checking the declared hash of %q: %w", p, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != strings.ToLower(want) {
		return fmt.Errorf("%q: %w: %s %s is declared, its content has %s", p, ErrMismatch, hashAlgo, want, got)
	}
	return nil
}

func newHash(algo string) (hash.Hash, error) {
	switch algo {
	case "md5":
		return md5.New(), nil //nolint:gosec // see the imports
	case "sha1":
		return sha1.New(), nil //nolint:gosec // see the imports
	case "sha256":
		return sha256.New(), nil
	case "sha512":
		return sha512.New(), nil
	}
	return nil, fmt.Errorf("hash algorithm %q is not known", algo)
}

// hashFile hashes the one file that a NAR holds.
func hashFile(h io.Writer, r io.Reader) error {
	n, err := nar.NewReader(r)
	if err != nil {
		return err
	}
	head, err := n.Next()
	if err == nil && head.Type != nar.TypeRegular {
		err = ErrNotFile
	}
	if err == nil {
		_, err = io.Copy(h, n)
	}
	if err != nil {
		return errors.Join(err, n.Close())
	}
	if _, err := n.Next(); !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("after the file: %w", err), n.Close())
	}
	return n.Close()
}
