package closure

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"

	"github.com/nix-community/go-nix/pkg/nixbase32"
)

// contentPath computes the store path of the derivation called name (without
// ".drv") in storeDir from the SHA-256 of its file and what it refers to.
// Nix stores derivations as text: the path follows from the content, the
// references (all inputs) and the name (nix: doc/manual/source/protocols/
// store-path.md, type "text").
//
// The path lies in scratch's memory, which is returned for the next call.
func contentPath(scratch []byte, storeDir, name string, sum [32]byte, d *Derivation) (path, again []byte) {
	b := append(scratch[:0], "text"...)
	// Both lists are sorted and no path is in both; merged they are the
	// sorted set of references.
	i, j := 0, 0
	for i < len(d.InputDrvs) || j < len(d.InputSrcs) {
		b = append(b, ':')
		switch {
		case i == len(d.InputDrvs):
			b = append(b, d.InputSrcs[j]...)
			j++
		case j == len(d.InputSrcs) || d.InputDrvs[i].Path < d.InputSrcs[j]:
			b = append(b, d.InputDrvs[i].Path...)
			i++
		case d.InputDrvs[i].Path == d.InputSrcs[j]:
			b = append(b, d.InputSrcs[j]...)
			i, j = i+1, j+1
		default:
			b = append(b, d.InputSrcs[j]...)
			j++
		}
	}
	b = append(b, ":sha256:"...)
	b = hex.AppendEncode(b, sum[:])
	b = append(append(b, ':'), storeDir...)
	b = append(append(append(b, ':'), name...), ".drv"...)
	full := sha256.Sum256(b)
	var short [20]byte
	for i, c := range full {
		short[i%len(short)] ^= c
	}
	var digest [32]byte
	nixbase32.Encode(digest[:], short[:])
	text := len(b)
	b = append(append(b, storeDir...), '/')
	b = append(append(b, digest[:]...), '-')
	b = append(append(b, name...), ".drv"...)
	return b[text:], b
}

// ComputedPath is the store path that the derivation's content gives it: the
// text-addressed path of its ATerm form. It differs from Path for a file that
// was changed or renamed after Nix wrote it. The store directory is Path's.
func (d *Derivation) ComputedPath() string {
	sum := sha256.Sum256(d.AppendATerm(nil))
	p, _ := contentPath(nil, path.Dir(d.Path), d.Name(), sum, d)
	return string(p)
}

// storeDirOf guesses the store directory from the paths that a derivation
// names; "" if it names none.
func storeDirOf(d *Derivation) string {
	for i := range d.InputDrvs {
		return path.Dir(strings.Clone(d.InputDrvs[i].Path))
	}
	for _, s := range d.InputSrcs {
		return path.Dir(strings.Clone(s))
	}
	for _, o := range d.Outputs {
		if o.Path != "" {
			return path.Dir(strings.Clone(o.Path))
		}
	}
	return ""
}
