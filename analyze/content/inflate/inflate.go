// Package inflate gives decoders of deflate (RFC 1951) that say the same of the
// same bytes, whatever they were used for before.
//
// The library's decoder can be used again, and keeps the tables of its codes
// for that. Where a block of a broken stream declares no codes at all it goes on
// with those, and what comes of the stream depends on the one before it. Here
// every decoder begins with the same tables, of codes that end in an error.
package inflate

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// Reader is a decoder. It reads no more than it has to from an io.ByteReader.
type Reader struct {
	z     io.ReadCloser
	first bytes.Reader // over the preamble
}

// preamble fills a decoder's tables. Its first block declares one code for
// distances, of the farthest ones, which are an error in all that is shorter,
// and ends. The second declares one code for the lengths of codes, that of a
// repetition, with which none can begin: that is where it breaks off.
var preamble = []byte("\x04\xdd\x81\x00\x00\x00\x00\x00\x90\xff\x6b\x25\x10\x00\x08\x00\x00")

// member is the preamble as a member of a gzip file (RFC 1952, 2.3).
var member = append([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), preamble...)

var readers, gzips sync.Pool

// New returns a decoder of what r has.
func New(r io.Reader) *Reader {
	x, ok := readers.Get().(*Reader)
	if !ok {
		x = new(Reader)
	}
	x.first.Reset(preamble)
	x.reset(&x.first)
	var none [1]byte
	_, _ = x.z.Read(none[:]) // it fails, as it is to
	x.reset(r)
	return x
}

// reset has the decoder read r, with the tables that it has.
func (x *Reader) reset(r io.Reader) {
	if z, ok := x.z.(flate.Resetter); !ok || z.Reset(r, nil) != nil {
		x.z = flate.NewReader(r)
	}
}

// Gzip returns a decoder of the gzip file that r is at, until done is called.
func Gzip(r io.Reader) (z *gzip.Reader, done func(), err error) {
	z, ok := gzips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	var none [1]byte
	if err := z.Reset(bytes.NewReader(member)); err == nil {
		_, _ = z.Read(none[:]) // it fails, as it is to
	}
	return z, func() { gzips.Put(z) }, z.Reset(r)
}

// Read implements io.Reader.
func (x *Reader) Read(p []byte) (int, error) { return x.z.Read(p) }

// Close gives the decoder back; it must not be used after that.
func (x *Reader) Close() error {
	err := x.z.Close()
	x.reset(nothing{}) // it holds the input no longer
	readers.Put(x)
	return err
}

// nothing is an input that has ended.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) ReadByte() (byte, error)  { return 0, io.EOF }
