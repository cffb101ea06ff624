package content

import (
	"errors"
	"fmt"
	"io"

	"github.com/nwaples/rardecode/v2"

	"fromsource/analyze/content/stream"
)

// rar walks an archive of RAR 5. Those of the versions before may ask for more
// memory than can be bounded.
func (w *walker) rar(n *node) error {
	back, err := w.window(max(0, maxWindowBeside-w.windows))
	if err != nil {
		return fmt.Errorf("reading rar: %w", err)
	}
	defer back()
	fed := &tally{in: n.in}
	r, err := rardecode.NewReader(fed, rardecode.MaxDictionarySize(maxWindowBeside))
	if err != nil {
		return fmt.Errorf("reading rar: %w", err)
	}
	for {
		h, err := nextRAR(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading rar: %w", err)
		}
		if err := w.entry(); err != nil {
			return err
		}
		if h.IsDir || !h.Mode().IsRegular() {
			continue
		}
		path := w.named(n.path, h.Name)
		if h.Encrypted {
			w.skip(path, "encrypted")
			continue
		}
		size := h.UnPackedSize
		if h.UnKnownSize {
			size = -1
		}
		in := stream.New(&meter{w: w, r: guarded{r}, fed: func() int64 { return fed.n }}, size)
		w.file(&node{path: path, in: in, exec: h.Mode()&0o111 != 0, depth: n.depth + 1})
		w.excess(path, in)
		in.Close()
	}
}

// nextRAR and guarded turn a fault of the library on a malformed archive into
// an error.
func nextRAR(r *rardecode.Reader) (h *rardecode.FileHeader, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed archive: %v", p)
		}
	}()
	return r.Next()
}

type guarded struct{ r io.Reader }

func (g guarded) Read(p []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("malformed archive: %v", p)
		}
	}()
	return g.r.Read(p)
}
