package archive

import (
	"encoding/binary"
	"fmt"

	"fromsource/analyze/content/stream"
)

// maxRPMHeader bounds a header's store; the format's own bound is 256 MiB.
const maxRPMHeader = 256 << 20

// RPM passes the lead, the signature and the header of an RPM package, and
// leaves in at the payload, which says itself how it is compressed (rpm.org,
// "RPM V4 Package format").
func RPM(in *stream.In) error {
	if err := in.Skip(96); err != nil {
		return fmt.Errorf("rpm lead: %w", err)
	}
	n, err := rpmHeader(in)
	if err != nil {
		return fmt.Errorf("rpm signature: %w", err)
	}
	if err := in.Skip(-n & 7); err != nil {
		return fmt.Errorf("rpm signature: %w", err)
	}
	if _, err := rpmHeader(in); err != nil {
		return fmt.Errorf("rpm header: %w", err)
	}
	return nil
}

func rpmHeader(in *stream.In) (int64, error) {
	var h [16]byte
	if err := in.Full(h[:]); err != nil {
		return 0, err
	}
	if h[0] != 0x8e || h[1] != 0xad || h[2] != 0xe8 {
		return 0, fmt.Errorf("%w: header magic", ErrFormat)
	}
	n := int64(binary.BigEndian.Uint32(h[8:]))*16 + int64(binary.BigEndian.Uint32(h[12:]))
	if n > maxRPMHeader {
		return 0, fmt.Errorf("%w: header of %d bytes", ErrFormat, n)
	}
	return n, in.Skip(n)
}
