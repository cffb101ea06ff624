package store

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// ScanReferences finds which of the candidate store paths a path's bytes
// mention, the way Nix does it: by their hash parts, anywhere in the NAR. The
// result is sorted. Like Nix, it does not see hashes that are compressed or
// in UTF-16.
func ScanReferences(ctx context.Context, s Store, p string, candidates []string) ([]string, error) {
	byHash := make(map[string][]string, len(candidates))
	for _, c := range candidates {
		if b := path.Base(c); validBase(b) {
			byHash[b[:hashLen]] = append(byHash[b[:hashLen]], c)
		}
	}
	r, err := s.NAR(ctx, p)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	found := []string{}
	err = scanHashes(r, func(h []byte) {
		if l, ok := byHash[string(h)]; ok {
			found = append(found, l...)
			delete(byHash, string(h))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("scanning %q for references: %w", p, err)
	}
	slices.Sort(found)
	return found, nil
}

// scanHashes calls hit for each place in r that could be a hash part.
func scanHashes(r io.Reader, hit func([]byte)) error {
	buf := make([]byte, 0, 256<<10)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		for i := 0; i+hashLen <= len(buf); {
			// From the end: the last wrong byte is how far to jump.
			j := hashLen - 1
			for j >= 0 && isHashByte[buf[i+j]] {
				j--
			}
			if j >= 0 {
				i += j + 1
				continue
			}
			hit(buf[i : i+hashLen])
			i++
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if keep := hashLen - 1; len(buf) > keep {
			buf = append(buf[:0], buf[len(buf)-keep:]...)
		}
	}
}

// isHashByte marks the digits of Nix's base 32.
var isHashByte = func() (t [256]bool) {
	for c := range t {
		t[c] = bytes.IndexByte([]byte("0123456789abcdfghijklmnpqrsvwxyz"), byte(c)) >= 0
	}
	return t
}()

// References lists what a path refers to: as its store has on record, or by
// scanning for the candidates where it has no record. Itself is left out.
func References(ctx context.Context, s Store, p string, candidates []string) ([]string, error) {
	info, err := s.Info(ctx, p)
	if err != nil {
		return nil, err
	}
	refs := info.References
	if refs == nil {
		if refs, err = ScanReferences(ctx, s, p, candidates); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(slices.Clone(refs), func(r string) bool { return strings.Compare(r, p) == 0 }), nil
}
