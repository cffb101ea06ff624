package store

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/nix-community/go-nix/pkg/narinfo/signature"
	"github.com/nix-community/go-nix/pkg/nixhash"
)

// parseNarInfo reads a cache's record of a path. Keys that it does not know
// are left alone: Nix adds some from time to time
// (nix: doc/manual/source/protocols/binary-cache/narinfo.md).
func parseNarInfo(text, storeDir string) (Info, error) {
	info := Info{Compression: "bzip2", References: []string{}}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return Info{}, fmt.Errorf("expected \"key: value\", not %q", line)
		}
		value = strings.TrimPrefix(value, " ")
		var err error
		switch key {
		case "StorePath":
			info.Path = value
		case "URL":
			info.URL = value
		case "Compression":
			info.Compression = value
		case "FileHash":
			info.FileHash = value
		case "FileSize":
			info.FileSize, err = size(value)
		case "NarHash":
			info.NarHash, err = sri(value)
		case "NarSize":
			info.NarSize, err = size(value)
		case "References":
			for _, r := range strings.Fields(value) {
				info.References = append(info.References, storeDir+"/"+r)
			}
		case "Deriver":
			if value != "unknown-deriver" && value != "" {
				info.Deriver = storeDir + "/" + path.Base(value)
			}
		case "Sig":
			info.Sigs = append(info.Sigs, value)
		case "CA":
			info.CA = value
		}
		if err != nil {
			return Info{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	switch {
	case info.Path == "":
		return Info{}, fmt.Errorf("no StorePath in it")
	case info.URL == "":
		return Info{}, fmt.Errorf("no URL in it")
	case info.NarHash == "":
		return Info{}, fmt.Errorf("no NarHash in it")
	case info.NarSize == 0:
		return Info{}, fmt.Errorf("no NarSize in it")
	}
	if _, _, err := splitPath(info.Path); err != nil {
		return Info{}, err
	}
	slices.Sort(info.References)
	return info, nil
}

func size(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

// Fingerprint is what a cache signs of a path: its path, NAR hash, NAR size
// and references.
func (i Info) Fingerprint() (string, error) {
	h, err := nixhash.ParseAny(i.NarHash, nil)
	if err != nil {
		return "", fmt.Errorf("fingerprint of %q: %w", i.Path, err)
	}
	return fmt.Sprintf("1;%s;%s;%d;%s", i.Path, h.Format(nixhash.NixBase32, true), i.NarSize, strings.Join(i.References, ",")), nil
}

// SignedBy names the first of the public keys ("name:base64") that one of the
// signatures is good for; "" if there is none. An error is a key that can't
// be read.
func (i Info) SignedBy(keys ...string) (string, error) {
	fp, err := i.Fingerprint()
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		pub, err := signature.ParsePublicKey(k)
		if err != nil {
			return "", fmt.Errorf("public key %q: %w", k, err)
		}
		for _, s := range i.Sigs {
			if sig, err := signature.ParseSignature(s); err == nil && pub.Verify(fp, sig) {
				return pub.Name, nil
			}
		}
	}
	return "", nil
}
