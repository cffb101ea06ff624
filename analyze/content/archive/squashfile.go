package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/anchore/go-lzo"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// maxBlocks bounds the block list of one file: 64 GiB in the smallest blocks.
const maxBlocks = 1 << 24

// squashFile reads the contents of one file, block by block.
type squashFile struct {
	s      *Squashfs
	blocks *metaReader // the list of block sizes, read on demand
	left   int64       // bytes of the file
	full   int64       // blocks left
	off    int64       // of the next block
	frag   uint32
	fragAt uint32
	buf    []byte
}

// file reads a file's inode.
func (s *Squashfs) file(m *metaReader, typ uint16, e *Entry) error {
	le := binary.LittleEndian
	f := &squashFile{s: s}
	if typ == 2 {
		b, err := m.read(16)
		if err != nil {
			return err
		}
		f.off, f.frag, f.fragAt, f.left = int64(le.Uint32(b)), le.Uint32(b[4:]), le.Uint32(b[8:]), int64(le.Uint32(b[12:]))
	} else {
		b, err := m.read(40)
		if err != nil {
			return err
		}
		f.off, f.left = int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
		f.frag, f.fragAt = le.Uint32(b[28:]), le.Uint32(b[32:])
	}
	bs := int64(s.sb.BlockSize)
	f.full = f.left / bs
	if f.frag == 0xffffffff {
		f.full += min(1, f.left%bs)
	}
	if f.left < 0 || f.off < 0 || f.full > maxBlocks {
		return fmt.Errorf("%w: file of %d bytes at byte %d", ErrFormat, f.left, f.off)
	}
	f.blocks = m
	e.Regular, e.Size, e.Source = true, f.left, f
	return nil
}

// Read implements io.Reader.
func (f *squashFile) Read(p []byte) (int, error) {
	if len(f.buf) == 0 {
		if f.left == 0 {
			return 0, io.EOF
		}
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.buf)
	f.buf = f.buf[n:]
	return n, nil
}

// next fetches the next block, or the fragment that is the file's end.
func (f *squashFile) next() error {
	want := min(f.left, int64(f.s.sb.BlockSize))
	if f.full == 0 {
		b, err := f.s.fragment(f.frag)
		if err != nil {
			return err
		}
		if int64(f.fragAt)+want > int64(len(b)) {
			return fmt.Errorf("%w: fragment of %d bytes at %d in %d", ErrFormat, want, f.fragAt, len(b))
		}
		f.buf = b[f.fragAt : int64(f.fragAt)+want]
		f.s.frags.Add(int64(f.frag)*int64(f.s.sb.BlockSize)+int64(f.fragAt), want)
		f.left -= want
		return nil
	}
	b, err := f.blocks.read(4)
	if err != nil {
		return err
	}
	f.full--
	size := binary.LittleEndian.Uint32(b)
	if size == 0 { // a hole
		f.buf = make([]byte, want)
		f.left -= want
		return nil
	}
	n := int64(size & 0xffffff)
	if f.buf, err = f.s.block(f.off, n, size&(1<<24) == 0, int(f.s.sb.BlockSize)); err != nil {
		return err
	}
	if int64(len(f.buf)) != want {
		return fmt.Errorf("%w: block of %d bytes where %d should be", ErrFormat, len(f.buf), want)
	}
	f.s.cover.Add(f.off, n)
	f.off += n
	f.left -= want
	return nil
}

// fragment returns a fragment block; the last one is kept, since the files in
// it follow each other.
func (s *Squashfs) fragment(i uint32) ([]byte, error) {
	if i >= s.sb.Fragments {
		return nil, fmt.Errorf("%w: fragment %d of %d", ErrFormat, i, s.sb.Fragments)
	}
	var p [8]byte
	if _, err := s.r.ReadAt(p[:], int64(s.sb.FragTable)+int64(i/512)*8); err != nil {
		return nil, fmt.Errorf("%w: fragment table", ErrFormat)
	}
	m := &metaReader{s: s, off: int64(binary.LittleEndian.Uint64(p[:])), pos: int(i%512) * 16}
	b, err := m.read(16)
	if err != nil {
		return nil, err
	}
	off, size := int64(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint32(b[8:])
	if off == s.frag.off {
		return s.frag.data, nil
	}
	data, err := s.block(off, int64(size&0xffffff), size&(1<<24) == 0, int(s.sb.BlockSize))
	if err != nil {
		return nil, err
	}
	s.cover.Add(off, int64(size&0xffffff))
	bs := int64(s.sb.BlockSize)
	s.frags.Add(int64(i)*bs+int64(len(data)), bs-int64(len(data)))
	s.frag.off, s.frag.data = off, data
	return data, nil
}

// blockCodec decompresses one block into at most limit bytes.
type blockCodec func(b []byte, limit int) ([]byte, error)

func squashCodec(id uint16) (blockCodec, error) {
	switch id {
	case 1:
		var z io.ReadCloser
		return func(b []byte, limit int) ([]byte, error) {
			var err error
			if z == nil {
				z, err = zlib.NewReader(bytes.NewReader(b))
			} else {
				err = z.(zlib.Resetter).Reset(bytes.NewReader(b), nil)
			}
			if err != nil {
				z = nil
				return nil, err
			}
			return readBlock(z, limit)
		}, nil
	case 2:
		return func(b []byte, limit int) ([]byte, error) {
			z, err := lzma.ReaderConfig{DictCap: maxBlock * 2}.NewReader(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return readBlock(z, limit)
		}, nil
	case 3:
		return func(b []byte, limit int) ([]byte, error) {
			out := make([]byte, limit)
			n, err := lzo.Decompress(b, out)
			return out[:max(0, min(n, limit))], err
		}, nil
	case 4:
		return xzBlock, nil
	case 5:
		return func(b []byte, limit int) ([]byte, error) {
			out := make([]byte, limit)
			n, err := lz4.UncompressBlock(b, out)
			return out[:max(n, 0)], err
		}, nil
	case 6:
		return zstdBlock()
	}
	return nil, fmt.Errorf("squashfs compression %d", id)
}

var xzBlocks sync.Pool

// xzBlock decompresses one block, with a decoder that keeps its dictionary.
func xzBlock(b []byte, limit int) ([]byte, error) {
	z, ok := xzBlocks.Get().(*xz.Reader)
	var err error
	if !ok {
		z, err = xz.NewReader(bytes.NewReader(b), 2*maxBlock)
	} else {
		err = z.Reset(bytes.NewReader(b))
	}
	if err != nil {
		return nil, err
	}
	defer xzBlocks.Put(z)
	return readBlock(z, limit)
}

var zstdBlocks = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(2*maxBlock))
})

func zstdBlock() (blockCodec, error) {
	z, err := zstdBlocks()
	if err != nil {
		return nil, err
	}
	return func(b []byte, limit int) ([]byte, error) {
		out, err := z.DecodeAll(b, make([]byte, 0, limit))
		if err == nil && len(out) > limit {
			err = errBlock
		}
		return out, err
	}, nil
}

var errBlock = errors.New("more than a block")

// readBlock reads to the end, which must come within limit.
func readBlock(r io.Reader, limit int) ([]byte, error) {
	out := make([]byte, limit)
	n, err := io.ReadFull(r, out)
	if err == nil {
		var one [1]byte
		if k, _ := r.Read(one[:]); k > 0 {
			err = errBlock
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return out[:n], err
}
