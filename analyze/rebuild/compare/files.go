package compare

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
)

// FileSum is a regular file of a NAR and its SRI sha256.
type FileSum struct{ Path, Sum string }

// Files reads a NAR and hashes the regular files that want asks for by path;
// a NAR that is itself a file has the path "". Others are passed over.
func Files(ctx context.Context, open Opener, want func(path string) bool) ([]FileSum, error) {
	rc, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	n := newNARReader(rc)
	var dirs []string
	var sums []FileSum
	for {
		nd, err := n.next()
		if errors.Is(err, io.EOF) {
			return sums, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading a NAR: %w", err)
		}
		at := nd.name
		if len(dirs) > 0 {
			at = path.Join(dirs[len(dirs)-1], nd.name)
		}
		switch nd.kind {
		case directory:
			dirs = append(dirs, at)
		case end:
			dirs = slices.Delete(dirs, len(dirs)-1, len(dirs))
		case regular:
			if !want(at) {
				continue
			}
			h := sha256.New()
			if _, err := io.Copy(h, n); err != nil {
				return nil, fmt.Errorf("reading %q in a NAR: %w", at, err)
			}
			sums = append(sums, FileSum{at, "sha256-" + base64.StdEncoding.EncodeToString(h.Sum(nil))})
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}
