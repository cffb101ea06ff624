package format

// magic is a data format that is known by its first bytes, at an offset. These
// are never flagged, so a bare magic does; they are searched for payloads like
// any other file.
type magic struct {
	off  int
	sig  string
	name string
}

var dataMagics = []magic{
	{0, "\x89PNG\r\n\x1a\n", "png"},
	{0, "\xff\xd8\xff", "jpeg"},
	{0, "GIF87a", "gif"},
	{0, "GIF89a", "gif"},
	{8, "WEBP", "webp"},
	{0, "II*\x00", "tiff"},
	{0, "MM\x00*", "tiff"},
	{0, "\x00\x00\x01\x00", "ico"},
	{0, "8BPS", "psd"},
	{0, "icns", "icns"},
	{4, "ftypavif", "avif"},
	{0, "gimp xcf", "xcf"},
	{0, "%PDF-", "pdf"},
	{0, "%!PS", "postscript"},
	{0, "\xf7\x02\x01\x83\x92\xc0\x1c\x3b", "dvi"},
	{0, "SQLite format 3\x00", "sqlite"},
	{0, "\x00\x01\x00\x00\x00", "truetype"},
	{0, "OTTO\x00", "opentype"},
	{0, "true\x00", "truetype"},
	{0, "ttcf\x00", "truetype"},
	{0, "wOFF", "woff"},
	{0, "wOF2", "woff2"},
	{0, "\x01fcp", "pcf-font"},
	{0, "\x80\x01", "type1-font"},
	{0, "%!PS-AdobeFont", "type1-font"},
	{0, "TZif", "timezone"},
	{0, "\xde\x12\x04\x95", "gettext"},
	{0, "\x95\x04\x12\xde", "gettext"},
	{0, "\x09\x01\x02\xde", "locale-archive"},
	{2, "\xda\x27", "icu-data"},
	{2, "\x27\xda", "icu-data"},
	{0, "\x1a\x01", "terminfo"},
	{0, "\x1e\x02", "terminfo"},
	{0, "OggS", "ogg"},
	{0, "fLaC", "flac"},
	{8, "WAVE", "wav"},
	{0, "ID3", "mp3"},
	{0, "MThd", "midi"},
	{4, "ftyp", "mp4"},
	{0, "\x1a\x45\xdf\xa3", "matroska"},
	{8, "AVI ", "avi"},
	{0, "FORM", "iff"},
	{0, "DIRC\x00\x00\x00", "git-index"},
	{0, "\xfftOc", "git-pack-index"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole-document"},
	{0, "\x0a\x0d\x0d\x0a", "pcapng"},
	{0, "\xd4\xc3\xb2\xa1", "pcap"},
	{0, "\xa1\xb2\xc3\xd4", "pcap"},
	{0, "GVariant", "gvariant"},
	{0, "GVDB", "gvdb"},
	{0, "glTF", "gltf"},
	{0, "-----BEGIN PGP", "pgp"},
	{0, "\x93NUMPY", "numpy"},
	{0, "\x89HDF\r\n\x1a\n", "hdf5"},
}

// dataBy are the same by their first byte; those that begin further in are in
// all of them.
var dataBy, sealedBy = byByte(dataMagics), byByte(sealed)

func byByte(all []magic) (by [256][]magic) {
	for _, m := range all {
		for c := range by {
			if m.off > 0 || int(m.sig[0]) == c {
				by[c] = append(by[c], m)
			}
		}
	}
	return by
}

func detectData(b Blob) (Match, bool) {
	by := dataBy[b.B[0]]
	for i := range by {
		if by[i].in(b.B) {
			return Match{Name: by[i].name}, true
		}
	}
	return Match{}, false
}

// in says whether b has the magic at its place.
func (m *magic) in(b []byte) bool {
	return len(b) >= m.off+len(m.sig) && b[m.off] == m.sig[0] && string(b[m.off:m.off+len(m.sig)]) == m.sig
}

// partitioned checks the partition table of a PC's disk (UEFI specification,
// 5.2.1): each of the four entries is empty, or has a boot flag that is one,
// and lies in the image.
func partitioned(b Blob) bool {
	h := b.B
	if len(h) < 1024 || h[510] != 0x55 || h[511] != 0xaa {
		return false
	}
	used := 0
	for e := h[446:510]; len(e) > 0; e = e[16:] {
		start, count := uint64(le.Uint32(e[8:])), uint64(le.Uint32(e[12:]))
		switch {
		case string(e[:16]) == string(make([]byte, 16)):
		case e[0]&0x7f != 0 || e[4] == 0 || start == 0 || count == 0 || !b.within(start*512, 512):
			return false
		default:
			used++
		}
	}
	return used > 0
}
