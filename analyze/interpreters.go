package analyze

import (
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/closure"
)

// A record has the programs that a build executed and, of bytecode, what they
// opened, but not all that those were given to execute, interpret or load. What
// they take is known by their names.

// hosts are programs that execute bytecode given to them, or load libraries of
// their own machine that extend them.
var hosts = []string{
	"java", "jshell", "jlink", "python", "pypy", "node", "deno", "bun", "mono", "dotnet", "ocamlrun", "erl", "beam", "guile", "lua", "texlua", "emacs", "wasm", "iwasm",
	"perl", "ruby", "php", "tclsh", "Rscript", "julia", "octave", "sbcl", "clisp", "lisp.run", "racket", "scheme", "petite", "mit-scheme", "neko", "haxe", "swipl", "parrot", "squeak", "gforth",
}

// startedAs are those, and emulators.
var startedAs = append([]string{"qemu-"}, hosts...)

// loadAs are programs that take in native code of their own machine: dynamic
// loaders, which are given it by name or by LD_PRELOAD, and the former.
var loadAs = append([]string{"ld-", "ld.so", "ld64"}, startedAs...)

// emulators are programs that execute others, which are then not in the record.
// Some that are called like them only handle images and text.
var (
	emulators    = []string{"qemu-", "box64", "box86", "wine", "valgrind", "gdb", "FEX"}
	notEmulators = []string{"qemu-img", "qemu-io", "qemu-nbd", "qemu-storage", "gdbus", "gdb-add-index", "winegcc", "wineg++", "winebuild", "winedump"}
)

// runners are the programs that execute bytecode of a format, by the beginning
// of their names; imageRunners the same for what is mostly an image that its
// runtime starts with.
var (
	runners = map[string][]string{
		"java-class": {"java", "jshell"}, "jar": {"java", "jshell"},
		"python-bytecode": {"python", "pypy"}, "wasm": {"node", "deno", "bun", "wasm", "iwasm"},
		"dotnet-assembly": {"mono", "dotnet", "csc", "msbuild"}, "beam": {"erl", "beam"},
		"luajit-bytecode": {"lua", "texlua"}, "lua-bytecode": {"lua", "texlua"}, "ocaml": {"ocaml"}, "guile-bytecode": {"guile"}, "emacs-bytecode": {"emacs"},
	}
	imageRunners = map[string][]string{
		"chez-object": {"scheme", "petite", "chez", "racket"}, "mit-scheme-object": {"mit-scheme"}, "scheme48-image": {"scheme48", "scsh"}, "racket-bytecode": {"racket", "gracket", "raco", "mzscheme"},
		"sbcl-core": {"sbcl"}, "sbcl-fasl": {"sbcl"}, "clisp-image": {"clisp", "lisp.run"}, "clisp-bytecode": {"clisp", "lisp.run"}, "julia-cache": {"julia"},
		"neko-bytecode": {"neko", "haxe"}, "hashlink-bytecode": {"hl"}, "parrot-bytecode": {"parrot"}, "swi-prolog-qlf": {"swipl"}, "smalltalk-image": {"gst", "squeak", "cog", "pharo"},
		"jimage": {"java"}, "java-cds": {"java"}, "r-bytecode": {"R"}, "ruby-bytecode": {"ruby"}, "mruby-bytecode": {"mruby"}, "dart-kernel": {"dart"}, "zsh-bytecode": {"zsh"},
		"hermes-bytecode": {"hermes"}, "lean-object": {"lean"}, "squirrel-bytecode": {"sq"}, "emacs-dump": {"emacs", "temacs", "bootstrap-emacs"}, "pascal-unit": {"ppc", "fpc"},
	}
)

// runtimes are formats of which the interpreter is often built from the same
// source, under any name: a compiler that is written in its own language ships
// itself in one of these. For the others it is a large program that is a package
// of its own.
var runtimes = map[string]bool{
	"wasm": true, "lua-bytecode": true, "luajit-bytecode": true, "ocaml": true, "guile-bytecode": true, "beam": true, "emacs-bytecode": true,
	"chez-object": true, "mit-scheme-object": true, "scheme48-image": true, "racket-bytecode": true, "sbcl-core": true, "sbcl-fasl": true,
	"clisp-image": true, "clisp-bytecode": true, "julia-cache": true, "neko-bytecode": true, "hashlink-bytecode": true, "parrot-bytecode": true,
	"swi-prolog-qlf": true, "smalltalk-image": true, "mruby-bytecode": true, "squirrel-bytecode": true, "emacs-dump": true, "lean-object": true,
}

// interpreted finds code in an item that a program of a build's record could
// have interpreted, and that program. Where the record has what interpreters
// open, one must have opened something of the item, or what could be.
func (d *decider) interpreted(id closure.ID, it *item) (f *content.File, by string) {
	x := d.execs[id]
	if x == nil {
		return nil, ""
	}
	unopened := x.opens && !d.openedOf(id, it)
	none := map[string]bool{} // formats of which the record has no program
	for i := range it.walk.Members {
		m := &it.walk.Members[i]
		names := runners[m.Format]
		if names != nil && unopened {
			continue
		}
		if names == nil {
			names = imageRunners[m.Format]
		}
		if names == nil || m.Embedded || none[m.Format] {
			continue
		}
		if by := x.named(names); by != "" {
			return m, by
		}
		none[m.Format] = true
	}
	return nil, ""
}

// unopened reports whether a record shows that no interpreter opened any of the
// bytecode of an item. The guest knows the formats in runners when it sees them.
func (d *decider) unopened(id closure.ID, it *item) bool {
	return d.execs[id].opens && !d.openedOf(id, it) && !slices.ContainsFunc(it.walk.Members, func(f content.File) bool {
		return f.Kind == audit.Bytecode && runners[f.Format] == nil
	})
}

// openedOf reports whether a program of a build that could execute it opened a
// file of an item, or one of which nothing is known: that can be a changed copy,
// and so can what the build put into its own output, which the record does not
// hash.
func (d *decider) openedOf(id closure.ID, it *item) bool {
	x := d.execs[id]
	for _, p := range []*programs{&x.given, &x.opened} {
		if p.lost != "" || slices.ContainsFunc(p.paths, func(at string) bool {
			storePath, _ := splitStore(d.g.StoreDir(), at)
			of := d.items[storePath]
			return of == nil || of == it || of.id == id
		}) {
			return true
		}
		for sum := range p.sums {
			hits := d.lookup(id, &content.File{SHA256: sum})
			if len(hits) == 0 {
				return true
			}
			for _, h := range hits {
				if d.origins[h.Origin].item == it || it.id != closure.None && !d.g.FixedOutput(it.id) {
					return true
				}
			}
		}
	}
	return false
}

// interprets is a program that could have interpreted code of something
// prebuilt: by its name, or because it was built from the same source.
func (d *decider) interprets(id closure.ID, it *item) string {
	if _, by := d.interpreted(id, it); by != "" {
		return by
	}
	if u := d.unidentified(id); u != "" && slices.ContainsFunc(it.walk.Members, func(f content.File) bool {
		return runtimes[f.Format] && !f.Embedded && f.Kind == audit.Bytecode
	}) {
		return u
	}
	return ""
}

// interpreter is a program of a build's record that could have been given
// bytecode to execute; "" if none is.
func (x *executed) interpreter() string { return x.named(startedAs) }

// loader is the same for native code.
func (x *executed) loader() string { return x.named(loadAs) }

// emulator is the same for native code of any machine and system.
func (x *executed) emulator() string { return x.named(emulators, notEmulators...) }

// named is the first program in a record of which the name begins with one of
// some, and with none of others.
func (x *executed) named(prefixes []string, but ...string) string {
	is := func(p string) bool { return named(p, prefixes) && !named(p, but) }
	if i := slices.IndexFunc(x.paths, is); i >= 0 {
		return x.paths[i]
	}
	for _, sum := range x.bySum() {
		if is(x.sums[sum]) {
			return x.sums[sum]
		}
	}
	return ""
}

// named reports whether a program's name begins with one of these.
func named(p string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(n string) bool { return strings.HasPrefix(programName(p), n) })
}

// programName is a program's name without the path, and as it was before one of
// nixpkgs' wrappers called it .NAME-wrapped.
func programName(p string) string {
	return strings.TrimSuffix(strings.TrimPrefix(base(p), "."), "-wrapped")
}
