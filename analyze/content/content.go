// Package content says whether there is compiled code in some bytes, of what
// kind and where: streaming, recursive, bounded, nothing written to disk.
package content

import (
	"context"
	"io"

	"fromsource/analyze/audit"
)

// File is one regular file met on the walk, at any depth of nesting.
type File struct {
	// Path is the member's path, containers included: "a.tar.gz/b.jar/C.class".
	Path   string
	Size   int64
	SHA256 [32]byte
	// Executable is the mode bit where the container records one.
	Executable bool
	// Format is the recognised format ("elf-shared", "java-class", "png"),
	// empty where none was.
	Format string
	// Kind is set for compiled formats only.
	Kind       audit.Kind
	Confidence audit.Confidence
	// Generated notes text that a tool wrote (minified, autotools, yacc).
	Generated bool
	// Embedded notes text that carries a binary, or data that is one in
	// disguise; Format then names what.
	Embedded bool
	Detail   string
	// Code are hashes of what survives patching: an ELF's executable
	// sections, its build-id, one entry each, for trace to match by.
	Code []Print
}

// Print is a fingerprint of part of a file.
type Print struct {
	// What is "text" (all executable sections with contents), "build-id",
	// "comment" (a compiler's ident), "section:NAME".
	What string
	Sum  string
	// Size counts the bytes that a hash was made of.
	Size int64
}

// Skip is something inside the input that could not be looked at, and why.
type Skip struct {
	Path   string
	Reason string
}

// Result is what a walk found.
//
// Nothing found means nothing was there only where Skipped is empty.
type Result struct {
	// Files and Bytes count what was read, after decompression.
	Files int
	Bytes int64
	// Members are the compiled files, in the order of the walk.
	Members []File
	Skipped []Skip
	// SourceFiles counts files of source text, DataFiles all else.
	SourceFiles, DataFiles int
}

// Options bound and observe a walk. The zero value has the default limits.
type Options struct {
	// Visit, where set, is called for every regular file, compiled or not,
	// containers after what is in them, and has every file hashed
	// (File.SHA256) but for Unhashed; without it only Members are. The *File is the visitor's
	// to keep. It is called from the goroutine of the walk.
	Visit func(*File)
	// Code, where set, is given all bytes of each compiled file that is not
	// too large to be held in memory, before Visit is called with the same
	// *File. The bytes are valid during the call only.
	Code func(f *File, b []byte)
	// Within is the file that a Code function is given at the time, where the
	// walk is one of its bytes: one that has memory of its own would wait for
	// that of the walk around it.
	Within *File
	// Link, where set, is called for every symbolic link of an input that is a
	// NAR, with its path in there (empty where the NAR is the link) and its
	// target as it is written.
	Link func(at, to string)
	// Unhashed leaves File.SHA256 and File.Code empty, which saves reading
	// each compiled file two more times.
	Unhashed bool
	// MaxDepth is how many containers may nest (default 32).
	MaxDepth int
	// MaxBytes is how many bytes are read in all, after decompression
	// (default 64 GiB). Far less is read where little input claims to be
	// much: see bomb.
	MaxBytes int64
	// MaxEntries is how many archive members are looked at (default 750,000).
	MaxEntries int
}

// Defaults of Options, and the bounds that are not options.
const (
	DefaultMaxDepth   = 32
	DefaultMaxBytes   = 64 << 30
	DefaultMaxEntries = 750_000
	// MaxMembers and MaxSkipped bound what a Result keeps. Beyond them Visit
	// is still called; that something was left out is itself a Skip.
	MaxMembers = 100_000
	MaxSkipped = 10_000
)

func (o Options) withDefaults() Options {
	if o.MaxDepth <= 0 {
		o.MaxDepth = DefaultMaxDepth
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = DefaultMaxEntries
	}
	return o
}

// Inspector is the function that this package offers; it is declared here so
// that callers can be tested without archives.
type Inspector func(ctx context.Context, name string, r io.Reader, o Options) (Result, error)
