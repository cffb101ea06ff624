package rebuild

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// registration is what a store's database holds of one path, in the form of
// `nix-store --dump-db` and `--load-db` (nix: Store::makeValidityRegistration):
// path, sha256 of the NAR in base16, its size, the deriver or an empty line,
// the number of references, the references; a line each.
type registration struct {
	Path    string
	Hash    string // base16
	Size    int64
	Deriver string
	Refs    []string
}

// parseRegistrations reads a whole dump. It is strict: what it accepts,
// appendRegistration writes back as it was.
func parseRegistrations(b []byte) ([]registration, error) {
	var all []registration
	lines := bytes.Split(b, []byte("\n"))
	if len(lines[len(lines)-1]) != 0 {
		return nil, errors.New("reading registrations: the last line has no end")
	}
	lines = lines[:len(lines)-1]
	for i := 0; i < len(lines); {
		if len(lines)-i < 5 {
			return nil, fmt.Errorf("reading registrations: line %d: truncated", i+1)
		}
		r := registration{Path: string(lines[i]), Hash: string(lines[i+1]), Deriver: string(lines[i+3])}
		if !strings.HasPrefix(r.Path, "/") {
			return nil, fmt.Errorf("reading registrations: line %d: %q is not a path", i+1, lines[i])
		}
		if h, err := hex.DecodeString(r.Hash); err != nil || len(h) != 32 || strings.ToLower(r.Hash) != r.Hash {
			return nil, fmt.Errorf("reading registrations: line %d: %q is not a sha256 in base16", i+2, lines[i+1])
		}
		var err error
		if r.Size, err = decimal(lines[i+2]); err != nil {
			return nil, fmt.Errorf("reading registrations: line %d: %w", i+3, err)
		}
		n, err := decimal(lines[i+4])
		if err != nil {
			return nil, fmt.Errorf("reading registrations: line %d: %w", i+5, err)
		}
		i += 5
		if n > int64(len(lines)-i) {
			return nil, fmt.Errorf("reading registrations: line %d: %d references announced, %d lines left", i, n, len(lines)-i)
		}
		for _, ref := range lines[i : i+int(n)] {
			r.Refs = append(r.Refs, string(ref))
		}
		i += int(n)
		all = append(all, r)
	}
	return all, nil
}

func decimal(b []byte) (int64, error) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != string(b) {
		return 0, fmt.Errorf("%q is not a count", b)
	}
	return n, nil
}

// appendRegistration writes one registration in the same form.
func appendRegistration(b []byte, r registration) []byte {
	b = fmt.Appendf(b, "%s\n%s\n%d\n%s\n%d\n", r.Path, r.Hash, r.Size, r.Deriver, len(r.Refs))
	for _, ref := range r.Refs {
		b = append(append(b, ref...), '\n')
	}
	return b
}

// sri is the hash as the rest of the project writes it.
func (r registration) sri() string {
	h, err := hex.DecodeString(r.Hash)
	if err != nil {
		return ""
	}
	return sriSHA256(h)
}

func sriSHA256(sum []byte) string { return "sha256-" + base64.StdEncoding.EncodeToString(sum) }

// find returns the registration of a path.
func find(all []registration, path string) (registration, bool) {
	i := slices.IndexFunc(all, func(r registration) bool { return r.Path == path })
	if i < 0 {
		return registration{}, false
	}
	return all[i], true
}
