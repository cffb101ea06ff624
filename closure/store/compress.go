package store

import (
	"compress/bzip2"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
)

// maxWindow bounds the memory that a decompressor may be told to take.
const maxWindow = 256 << 20

// Decoders that are used again: their windows are large, the files of a cache
// many and mostly small.
var xzs, zstds sync.Pool

// decompress undoes what a narinfo calls its Compression.
func decompress(r io.Reader, method string) (io.Reader, func() error, error) {
	none := func() error { return nil }
	switch method {
	case "none", "":
		return r, none, nil
	case "xz":
		x, ok := xzs.Get().(*xz.Reader)
		if !ok {
			x, err := xz.NewReader(r, maxWindow)
			return x, func() error { xzs.Put(x); return nil }, err
		}
		return x, func() error { xzs.Put(x); return nil }, x.Reset(r)
	case "bzip2":
		return bzip2.NewReader(r), none, nil
	case "gzip":
		z, err := gzip.NewReader(r)
		return z, none, err
	case "zstd":
		z, ok := zstds.Get().(*zstd.Decoder)
		if !ok {
			var err error
			if z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderMaxWindow(maxWindow)); err != nil {
				return nil, nil, err
			}
		}
		if err := z.Reset(r); err != nil {
			return nil, nil, err
		}
		return z, func() error {
			err := z.Reset(nil)
			zstds.Put(z)
			return err
		}, nil
	case "br":
		return brotli.NewReader(r), none, nil
	case "lz4":
		return lz4.NewReader(r), none, nil
	}
	return nil, nil, fmt.Errorf("compression %q is not supported", method)
}
