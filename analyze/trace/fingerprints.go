package trace

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Fingerprints is a directory of walks, one file each, named by the hash of
// the NAR that was walked, under the version of the detector that walked it.
// Any number of audits, one after the other or at once, can share it; it can
// be copied to another machine, and deleted at any time.
//
// It stays bounded: see [Fingerprints.Prune].
//
// A file that is damaged, or that another version of this package wrote, is
// as good as none: it is walked again and replaced. The zero value keeps
// nothing.
type Fingerprints struct {
	root string
	dir  string // of one detector, in root
}

// Version changes whenever a walk of the same bytes could note something else, or
// be judged differently, or is kept in another form.
const Version = "16"

// magic opens every file; the hash of what follows comes next.
const magic = "fromsource walk 2\n"

// maxEntry bounds what is read of one file, before and after decompression.
const maxEntry = 1 << 30

// OpenFingerprints uses the directory, which is made when it is first needed.
// detector is the version of everything that decides what a walk notes. A
// program that is no release has its own build in the key as well: what it was
// compiled from can have changed without the version.
func OpenFingerprints(dir, detector string) *Fingerprints {
	if dir == "" {
		return &Fingerprints{}
	}
	sum := sha256.Sum256([]byte(magic + detector + thisBuild()))
	return &Fingerprints{root: dir, dir: filepath.Join(dir, hex.EncodeToString(sum[:8]))}
}

// file is where the walk of a NAR is kept; false if it can't be.
func (p *Fingerprints) file(narHash string) (string, bool) {
	if p == nil || p.dir == "" {
		return "", false
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(narHash, "sha256-"))
	if err != nil || len(b) != sha256.Size || !strings.HasPrefix(narHash, "sha256-") {
		return "", false
	}
	h := hex.EncodeToString(b)
	return filepath.Join(p.dir, h[:2], h[2:]), true
}

// Get finds the walk of the NAR with this hash (SRI, SHA-256).
func (p *Fingerprints) Get(narHash string) (*Walk, bool) {
	name, ok := p.file(narHash)
	if !ok {
		return nil, false
	}
	w, err := load(name, narHash)
	if err != nil {
		return nil, false
	}
	// Pruning goes by the last use. Where the time can't be set, it goes by
	// the first.
	now := time.Now()
	_ = os.Chtimes(name, now, now)
	return w, true
}

// Put keeps the walk of a NAR. A walk that can't be kept is an error that an
// audit can go on without.
func (p *Fingerprints) Put(narHash string, w *Walk) error {
	name, ok := p.file(narHash)
	if !ok {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("keeping fingerprints: %w", err)
	}
	if err := save(name, narHash, w); err != nil {
		return fmt.Errorf("keeping fingerprints: %w", err)
	}
	return nil
}

func load(name, narHash string) (*Walk, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxEntry))
	if err != nil {
		return nil, err
	}
	return decode(b, narHash)
}

var errDamaged = errors.New("damaged")

func decode(b []byte, narHash string) (*Walk, error) {
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok || len(rest) < sha256.Size {
		return nil, errDamaged
	}
	if sum := checksum(narHash, rest[sha256.Size:]); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, errDamaged
	}
	z, err := zstd.NewReader(bytes.NewReader(rest[sha256.Size:]), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxEntry))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	w := new(Walk)
	if err := gob.NewDecoder(io.LimitReader(z, maxEntry)).Decode(w); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return w, nil
}

// checksum is of a walk and of the NAR that it is the walk of, so that a file
// under a wrong name is as good as damaged.
func checksum(narHash string, body []byte) [sha256.Size]byte {
	h := sha256.New()
	_, _ = io.WriteString(h, narHash+"\n") // never fails
	_, _ = h.Write(body)
	return [sha256.Size]byte(h.Sum(nil))
}

// encoders are used again: their tables are larger than most walks, and there
// are as many walks as outputs.
var encoders = sync.Pool{New: func() any {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err) // only an option that is wrong is an error
	}
	return z
}}

func encode(narHash string, w *Walk) ([]byte, error) {
	var body bytes.Buffer
	z := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(z)
	z.Reset(&body)
	defer z.Reset(nil)
	if err := gob.NewEncoder(z).Encode(w); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	sum := checksum(narHash, body.Bytes())
	out := append([]byte(magic), sum[:]...)
	return append(out, body.Bytes()...), nil
}

// save writes a file that appears only when it is complete: another audit may
// be looking for it.
func save(name, narHash string, w *Walk) error {
	b, err := encode(narHash, w)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		if rm := os.Remove(f.Name()); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
			err = errors.Join(err, rm)
		}
	}
	return err
}
