package analyze

import (
	"fmt"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// Prebuilt code can be encoded in ways without number: in the pixels of a
// picture, the sounds of a recording, the words of a text. No inspection of
// what was fetched finds all of them. But compiled code in an output was either
// there before, in an input, or something that the build executed has made it;
// and of shells, decoders and interpreters none makes any.

// unmade is compiled code in the outputs that no input is known to hold, where the
// record of the build has nothing that could have compiled it; nil where there is
// none.
func (d *decider) unmade(id closure.ID) *unmadeFile {
	if u, told := d.unmadeFiles[id]; told {
		return u
	}
	u := d.findUnmade(id)
	d.unmadeFiles[id] = u
	return u
}

// compiledOnly is the bytecode that no interpreter among the plain tools writes.
var compiledOnly = map[string]bool{"java-class": true, "dotnet-assembly": true}

// unmadeFile is a file of an output that nothing is known to have made.
type unmadeFile struct {
	*content.File
	says string
}

func (d *decider) findUnmade(id closure.ID) *unmadeFile {
	x := d.execs[id]
	if x == nil || len(x.given.paths)+len(x.given.sums) > 0 {
		return nil
	}
	files, in := d.compiledHere(id)
	wanted := func(f *content.File) bool {
		return (f.Kind == audit.NativeCode || compiledOnly[f.Format]) && !samples.MatchString(f.Path) && !trace.IsDoc(f.Path)
	}
	if !slices.ContainsFunc(files, wanted) {
		return nil
	}
	compiles, changes := d.compilers(x)
	if compiles {
		return nil
	}
	candidates := trace.NewIndex()
	for i, f := range files {
		if wanted(f) {
			candidates.Add(trace.Origin(i), []content.File{*f})
		}
	}
	known := make([]bool, len(files))
	for _, it := range d.items {
		if it.walk == nil || it.id == closure.None || it.id == id || !d.dependsOn(id, it.id) {
			continue
		}
		for i := range it.walk.Members {
			for _, hit := range candidates.Match(&it.walk.Members[i]) {
				known[hit.Origin] = true
			}
		}
	}
	for i, f := range files {
		if known[i] || !wanted(f) {
			continue
		}
		// What is too small to be recognised once it is changed can have been.
		if changes && f.Kind == audit.NativeCode && !slices.ContainsFunc(f.Code, func(p content.Print) bool { return p.What == "text" }) {
			continue
		}
		what := "native code"
		if f.Kind != audit.NativeCode {
			what = "bytecode"
		}
		return &unmadeFile{f, fmt.Sprintf("its %s is %s that is in no input, and nothing that its build executed makes any", in[i].called(f.Path), what)}
	}
	return nil
}

// becomes is what a consumer of a fetch has in its output and could, by the size
// of the fetch, have from there, in whatever form; "" where there is nothing.
func (d *decider) becomes(id closure.ID) string {
	for _, it := range d.outputs[id] {
		if it == nil || it.walk == nil {
			continue
		}
		c := sum(it.walk)
		for _, by := range d.g.Consumers(id) {
			if d.g.FixedOutput(by) {
				continue
			}
			if u := d.unmade(by); u != nil && u.Size <= mostUnpacked*(c.textBytes+c.dataBytes+c.memberBytes) {
				return fmt.Sprintf("of %s: %s", d.g.Name(by), u.says)
			}
		}
	}
	return ""
}

// compilers says of a record whether something in it could compile, assemble or
// link, and whether something changes what is compiled: all that is not known for
// what it does could do both.
func (d *decider) compilers(x *executed) (compiles, changes bool) {
	names := make([]string, 0, len(x.paths)+len(x.sums))
	for s, p := range x.sums {
		if p != "/bin/sh" && d.wasFetched(trace.Short(s)) {
			continue // a script: the record has what it was executed by
		}
		if inBuildDir(p) {
			return true, true // just compiled, or who knows
		}
		names = append(names, p)
	}
	for _, p := range append(names, x.paths...) {
		switch name := programName(p); {
		case name == "strip" || name == "patchelf":
			changes = true
		case named(p, []string{"python", "perl"}), strings.HasPrefix(name, "ruby") && !strings.Contains(name, "-"), plainTools[name]:
		default:
			return true, true
		}
	}
	return false, changes
}

// plainTools are programs that copy, pack, search, edit, decode and interpret:
// what they write was in what they read. They are more than what [copies] knows,
// as an interpreter can execute what it opens, and fewer, as what makes images
// puts code of its own at their beginning.
var plainTools = func() map[string]bool {
	t := map[string]bool{}
	for _, names := range []string{
		"sh bash dash ksh zsh busybox toybox env printf echo test true false sleep xargs find make", // they start others
		"coreutils cat cp mv ln rm mkdir rmdir mktemp install touch chmod chown chgrp stat ls dir du df dd head tail tac split csplit cut paste join sort uniq shuf seq tr wc nl fmt fold pr comm expand unexpand od tee tsort rev",
		"base64 base32 basenc uuencode uudecode xxd hexdump printenv id whoami uname hostname date nproc dirname basename realpath readlink pwd expr numfmt yes truncate sync timeout nohup nice kill",
		"md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum sum cmp diff diff3 sdiff patch ed file strings which getopt tput",
		"sed grep egrep fgrep rg awk gawk mawk nawk jq bc dc m4",
		"tar bsdtar cpio zip unzip gzip gunzip zcat xz unxz xzcat lzma unlzma bzip2 bunzip2 bzcat zstd zstdcat unzstd lz4 lzip lzop brotli 7z 7za 7zr 7zz unrar compress uncompress dpkg-deb rpm2cpio ar openssl gpg",
		"lua luajit node nodejs",
	} {
		for _, n := range strings.Fields(names) {
			t[n] = true
		}
	}
	return t
}()
