package trace

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
)

// Walk is what is noted of the content of one store path.
type Walk struct {
	// Files and Bytes count what was read, after decompression.
	Files int
	Bytes int64
	// SourceFiles and DataFiles count what is not compiled, as content does.
	SourceFiles, DataFiles int
	// Members are the compiled files, in the order of the NAR.
	Members []content.File
	// TextBytes and DataBytes are the sizes of files that are neither compiled
	// nor containers: text, and all else.
	TextBytes, DataBytes int64
	// Flat is true where the store path is one file. Paths then begin with
	// the file's name; otherwise they are relative to the store path.
	Flat bool
	// Skipped could not be looked at, however small: the smallest program in
	// use as a seed has fewer than 200 bytes.
	Skipped []content.Skip
	// Samples are of the native code among the members.
	Samples []Sample
	// Wholes are bulk samples of the compiled files of some size, by which they
	// are found inside others, and Bulk is that of the NAR's own bytes.
	Wholes []Sample
	Bulk   []uint32
	// Opaque are files of no known format that are no text either: what a
	// firmware blob in an unknown container looks like. At most maxOpaque.
	Opaque []content.File
	// Others are short hashes of the files that are neither compiled nor
	// short, sorted: enough to say that two paths share files. Files that lie
	// in something named like a store path are not among them: they are known
	// by that name. Nor is nix-support, which names inputs and is the same in
	// packages that have the same ones.
	Others []uint64
	// Docs are those of Others that, by their place, a build makes no code of:
	// manuals, licences, what a package manager notes. Sorted.
	Docs []uint64
	// Small counts the files that are neither compiled nor documentation, and
	// too short for Others.
	Small int
	// Images are the outermost images inside: ISO 9660, file systems, disks,
	// initrds, whether or not they could be opened.
	Images []content.File
	// Links are the symbolic links that lead out of the store path, in the
	// order of the NAR.
	Links []Link
	// Regular counts the files that are no directories and no links, at any
	// depth.
	Regular int
	// Archives counts the archives inside, outermost or not; single compressed
	// files and static libraries are none.
	Archives int
	// StorePaths are base names of store paths that occur as names of files
	// and directories inside: an image's content. Sorted.
	StorePaths []string
	// Refs and WideRefs are what could be hash parts of store paths in the
	// NAR's bytes, in plain text and in UTF-16. Sorted. Overflow is true if
	// there were too many to keep.
	Refs, WideRefs []string
	Overflow       bool
}

const (
	// minOther is the least size, in bytes, of a file in Others: shorter
	// ones are the same everywhere.
	minOther  = 64
	maxOpaque = 4096
	maxImages = 64
	// maxStorePaths bounds what one image can make us keep.
	maxStorePaths = 1 << 20
)

// Short is the short hash of a file as Walk.Others has it.
func Short(sum [32]byte) uint64 { return binary.LittleEndian.Uint64(sum[:8]) }

// Take walks one NAR. The error is that of reading it, or of the context;
// what was inside and could not be read is in Walk.Skipped.
func Take(ctx context.Context, inspect content.Inspector, name string, nar io.Reader) (*Walk, error) {
	w := new(Walk)
	var s Scanner
	inside := map[string]bool{}
	var used []uint64 // of Others, what is not only documentation
	last := ""
	o := content.Options{Visit: func(f *content.File) {
		if f.Format == "nar" && !strings.Contains(f.Path, "/") {
			return // the NAR itself
		}
		w.Regular++
		owner := StorePart(f.Path)
		if owner != "" && !inside[owner] && len(inside) < maxStorePaths {
			inside[strings.Clone(owner)] = true
		}
		// A container is shown after what is in it.
		container := strings.HasPrefix(last, f.Path+"/")
		single := isStream[f.Format] && last == f.Path+"/"+strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
		last = f.Path
		switch {
		case f.Kind != "" || container || isStream[f.Format]:
		case f.Format == "text":
			w.TextBytes += f.Size
		default:
			w.DataBytes += f.Size
		}
		if isImage[f.Format] {
			w.image(f)
		}
		// A compressed archive is shown as one; a static library holds no files
		// that anybody unpacks.
		if container && !single && f.Format != "ar" && f.Format != "static-library" {
			w.Archives++
		}
		if f.Kind != "" {
			return // a member
		}
		switch {
		case owner != "" || inSupport(f.Path):
		case f.Size >= minOther && IsDoc(f.Path):
			w.Others, w.Docs = append(w.Others, Short(f.SHA256)), append(w.Docs, Short(f.SHA256))
		case f.Size >= minOther:
			w.Others, used = append(w.Others, Short(f.SHA256)), append(used, Short(f.SHA256))
		case f.Size > 0 && !IsDoc(f.Path):
			w.Small++
		}
		if opaque(f) && len(w.Opaque) < maxOpaque {
			w.Opaque = append(w.Opaque, *f)
		}
	}}
	head := bufio.NewReaderSize(nar, 1<<12)
	w.Flat = flat(head)
	sample := func(f *content.File, b []byte) {
		if s, ok := sampleELF(f.Path, b); ok && f.Kind == audit.NativeCode {
			w.Samples = append(w.Samples, s)
		}
		if sums := sampleWhole(b); len(sums) >= MinBulk {
			w.Wholes = append(w.Wholes, Sample{File: f.Path, Sums: sums})
		}
	}
	var packed []content.File
	left, short := budget{maxNestedBytes, maxTries}, ""
	o.Code = func(f *content.File, b []byte) {
		sample(f, b)
		if f.Kind == audit.Bytecode {
			return
		}
		more, all := nested(ctx, inspect, f, b, sample, &left)
		packed = append(packed, more...)
		if !all && short == "" {
			short = f.Path
		}
	}
	var all bulk
	o.Link = w.link
	r := io.TeeReader(head, io.MultiWriter(&s, &all))
	res, err := inspect(ctx, name, r, o)
	if err != nil {
		return nil, fmt.Errorf("looking into %q: %w", name, err)
	}
	// What an inspector leaves unread still counts for references, and a
	// stream's check of its own hash comes at its end.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	w.Files, w.Bytes = res.Files, res.Bytes
	w.SourceFiles, w.DataFiles = res.SourceFiles, res.DataFiles
	w.Members = append(res.Members, packed...)
	w.Skipped = res.Skipped
	if short != "" {
		w.Skipped = append(w.Skipped, content.Skip{Path: short, Reason: "too much is compressed inside programs: from here on, that was not looked at"})
	}
	w.Bulk = all.done()
	slices.Sort(w.Others)
	w.Others = slices.Compact(w.Others)
	slices.Sort(used)
	slices.Sort(w.Docs)
	w.Docs = slices.DeleteFunc(slices.Compact(w.Docs), func(o uint64) bool {
		_, also := slices.BinarySearch(used, o)
		return also
	})
	for p := range inside {
		w.StorePaths = append(w.StorePaths, p)
	}
	slices.Sort(w.StorePaths)
	w.Refs, w.WideRefs, w.Overflow = s.Refs()
	return w, nil
}

// isStream are the formats that hold one compressed file.
var isStream = map[string]bool{"gzip": true, "xz": true, "lzma": true, "lzip": true, "bzip2": true, "zstd": true, "lz4": true, "lzop": true, "compress": true}

// flat reports whether a NAR is that of one file. Its head is four strings,
// each after its length in 8 bytes and padded to 8: the magic, "(", "type",
// and the type (nix: doc/manual/source/protocols/nix-archive).
func flat(r *bufio.Reader) bool {
	const at = 24 + 16 + 16
	b, err := r.Peek(at + 16)
	return err == nil && string(b[at+8:at+15]) == "regular"
}

// isImage are the formats that hold a system rather than a package: those that
// content opens, and those that it names and can't open.
var isImage = map[string]bool{
	"iso9660": true, "squashfs": true, "cpio": true, "fat": true, "ext": true, "disk-image": true, "qcow2": true,
	"erofs": true, "xfs": true, "btrfs": true, "f2fs": true, "ubi": true, "ubifs": true, "cramfs": true, "romfs": true,
	"jffs2": true, "ntfs": true, "exfat": true, "hfsplus": true, "apfs": true, "udf": true, "jfs": true, "reiserfs": true, "nilfs2": true, "luks": true, "lvm2": true, "wim": true,
	"vmdk": true, "vhd": true, "vhdx": true, "vdi": true, "qed": true, "parallels": true, "android-boot-image": true, "android-sparse-image": true, "android-update": true,
}

// image notes an image in place of those inside it, which come before it.
func (w *Walk) image(f *content.File) {
	w.Images = slices.DeleteFunc(w.Images, func(in content.File) bool { return strings.HasPrefix(in.Path, f.Path+"/") })
	if len(w.Images) < maxImages {
		w.Images = append(w.Images, *f)
	}
}

// StorePart is the first part of a path that is named like a store path, such
// as the directory that an image keeps it in; "" if none is.
func StorePart(p string) string {
	for rest := p; rest != ""; {
		part, more, _ := strings.Cut(rest, "/")
		if HashPart(part) != "" {
			return part
		}
		rest = more
	}
	return ""
}

// opaque reports whether a file is data that nothing is known of.
func opaque(f *content.File) bool {
	return f.Kind == "" && (f.Format == "" || f.Format == "data") && f.Size >= minFirmware
}

// Shares reports whether the walk has a file, not compiled, with this hash.
func (w *Walk) Shares(short uint64) bool {
	_, ok := slices.BinarySearch(w.Others, short)
	return ok
}
