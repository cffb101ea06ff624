package rules

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"fromsource/analyze/fetch"
	"fromsource/closure"
)

// Facts is what the rules need to know of one derivation: a few hundred bytes
// of copies, whatever the size of the derivation. It is extracted while the
// closure is loaded and judged when the graph is complete.
type Facts struct {
	// Fetch is set for a derivation with a declared output hash.
	Fetch *fetch.Fetch
	// Mirrors is set for a mirrors list, which resolves other fetches' URLs.
	Mirrors fetch.Mirrors

	sigs bits
	hits []hit
	refs []ref
	// builder is the store path of the builder, where it is neither a shell
	// of a standard environment nor built in.
	builder string
	// stdenv says that the derivation has a standard environment, whose
	// default phases configure, make and install.
	stdenv bool
	// noCC marks a standard environment without a compiler.
	noCC bool
	// hook holds what a setup hook stands for, by its script, or what a
	// launcher that is written out as it stands starts its program with.
	hook bits
	// inputSrcs are input sources that the derivation runs or unpacks: a
	// builder or a tool that was committed beside the expression.
	inputSrcs []string
}

// fetchURLs are the addresses of a download, none for anything else.
func (f *Facts) fetchURLs() []string {
	if f.Fetch == nil {
		return nil
	}
	return f.Fetch.URLs
}

// refHow is how a store path occurs in a derivation's text.
type refHow uint8

const (
	refVar     refHow = iota // the value of a variable of no known meaning
	refSrc                   // src or srcs
	refContent               // an operand of a command that copies or unpacks
	refLink                  // an operand of a command that links
	refExec                  // what a launcher runs
	refPatch                 // a patch
	refTool                  // an input in nativeBuildInputs and the like
	refWrap                  // the program that a wrapper starts
	refUnion                 // a part of a union of outputs
	refStart                 // holds what a virtual machine or emulator is given to run
)

// ref is a store path that the text mentions, without what is inside it.
type ref struct {
	path pathHash
	how  refHow
}

// maxRefs and maxHits bound what is kept of one derivation.
const (
	maxRefs = 256
	maxHits = 48
)

// Extract reads the facts of one derivation. It keeps nothing of d: it may be
// called while d's strings are views into a buffer that is reused. It is safe
// for concurrent use.
func Extract(d *closure.Derivation) Facts { return Extractor{}.Extract(d) }

// Extractor is Extract with more to look at.
type Extractor struct {
	// ReadSource, where set, reads an input source of a derivation by its
	// store path. Packages of nixpkgs' first years keep their build commands
	// in such a file, builder.sh, and say nothing in the derivation itself.
	// It is called from several goroutines; an error means not at hand.
	ReadSource func(storePath string) ([]byte, error)
}

// StoreReader reads input sources from a store root ("" or "/" for the
// machine's own store), none larger than a builder script can be.
func StoreReader(root string) func(storePath string) ([]byte, error) {
	return func(p string) ([]byte, error) {
		f, err := os.Open(filepath.Join(root, filepath.FromSlash(path.Clean(p))))
		if err != nil {
			return nil, fmt.Errorf("reading builder script: %w", err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxScript))
		if err != nil {
			return nil, fmt.Errorf("reading builder script %q: %w", p, err)
		}
		return b, nil
	}
}

// maxScript bounds a builder script, in bytes.
const maxScript = 1 << 18

// Extract is the function Extract, with what e can read besides.
func (e Extractor) Extract(d *closure.Derivation) Facts {
	x := extractors.Get().(*extractor)
	defer extractors.Put(x)
	x.begin(d, e.ReadSource)
	if m, ok := fetch.ParseMirrors(d); ok {
		x.f.Mirrors = m
	}
	if f, ok := x.fetches.Describe(d, x.attrs); ok {
		x.f.Fetch = f
		if len(f.URLs) > 0 {
			// A download: what its own script does to the file matters, the
			// rest of its environment is the fetcher's.
			x.postFetch(f.PostFetch)
			x.f.inputSrcs = binarySources(d)
			return x.end()
		}
	}
	x.package_()
	return x.end()
}

// extractor carries the state of one Extract, and from one to the next what
// is remembered.
type extractor struct {
	d     *closure.Derivation
	name  string
	read  func(string) ([]byte, error)
	attrs fetch.Set
	f     Facts
	// hits and refs become those of f; vars are the variables that stand
	// for references until the environment is read.
	hits  []hit
	refs  []ref
	vars  []varRef
	known knownRefs
	// in is the variable that is being read; before the last one of the
	// environment.
	in, before *variable
	// noBuild says that the build phase is switched off, so that what it
	// says is never run.
	noBuild bool
	// buildInstalls says that the build phase is the last of the phases, so
	// that it does what a package's buildCommand does.
	buildInstalls bool

	memo memo
	// depth is not 0 while a text is read to be remembered: what it says
	// goes to ops, with the signals in said.
	depth int
	ops   []op
	said  bits

	words [maxWords]string // of the command that is being read

	fetches fetch.Reader
	allHits block[hit]
	allRefs block[ref]
}

func (x *extractor) begin(d *closure.Derivation, read func(string) ([]byte, error)) {
	x.d, x.name, x.read, x.attrs = d, d.Name(), read, fetch.Attrs(d)
	x.f, x.hits, x.refs, x.vars = Facts{}, x.hits[:0], x.refs[:0], x.vars[:0]
	x.in, x.before = &inputDrvs, &x.memo.start
	x.noBuild, x.buildInstalls = false, false
	x.known.begin()
	x.depth, x.ops = 0, x.ops[:0]
}

func (x *extractor) end() Facts {
	f := x.f
	f.hits, f.refs = x.allHits.clone(x.hits), x.allRefs.clone(x.refs)
	// Nothing of the derivation's buffer is held on to.
	x.d, x.name, x.read, x.attrs, x.f = nil, "", nil, fetch.Set{}, Facts{}
	return f
}

// has says that a signal was seen already.
func (x *extractor) has(s signal) bool {
	if x.depth > 0 {
		return x.said.has(s)
	}
	return x.f.sigs.has(s)
}

// hit notes a signal the first time that it is seen; detail is copied.
func (x *extractor) hit(s signal, detail string) {
	if !x.has(s) {
		x.say(s, clip(detail))
	}
}

// say is hit for a detail that is a short copy already.
func (x *extractor) say(s signal, detail string) {
	if x.has(s) {
		return
	}
	if x.depth > 0 {
		x.said.set(s)
		x.ops = append(x.ops, op{sig: s, detail: detail})
		return
	}
	x.f.sigs.set(s)
	if len(x.hits) < maxHits {
		x.hits = append(x.hits, hit{s, x.in.place, detail})
	}
}

func (x *extractor) postFetch(text string) {
	if text == "" {
		return
	}
	x.in = x.memo.variable("postFetch")
	x.script(text)
}

// package_ reads a derivation that builds something.
func (x *extractor) package_() {
	f := &x.f
	d := x.d
	f.stdenv = x.attrs.Get("stdenv") != ""
	if n := x.name; n == "hook" || strings.HasSuffix(n, "-hook") || strings.HasSuffix(n, "hook.sh") {
		for _, s := range d.InputSrcs {
			sig := hookScripts[closure.NameOf(s)]
			switch sig {
			case sigPythonBuild:
				sig = sigBuildTool
			case sigBuildTool:
				f.hook.set(sigNativeTool)
			}
			f.hook.set(sig)
		}
	}
	x.noBuild = on(x.attrs.Get("dontBuild"))
	if n := x.attrs.Get("pname"); binName(n) {
		x.in = x.memo.variable("pname")
		x.hit(sigBinName, n)
	}
	if p := x.attrs.Get("phases"); p != "" {
		x.noBuild = x.noBuild || !buildsIn(p)
		// A package with a build phase and nothing after it installs there.
		x.buildInstalls = strings.Contains(p, "buildPhase") && !strings.Contains(p, "nstall")
	}
	x.buildInstalls = x.buildInstalls || on(x.attrs.Get("dontInstall"))
	if strings.HasPrefix(x.name, "stdenv") || strings.Contains(x.name, "-stdenv-") {
		f.noCC = !x.hasCompiler()
	}
	x.builderOf()
	x.attrs.All(func(key, value string) {
		if value != "" {
			x.env(key, value)
		}
	})
	x.in = &inputDrvs
	if !f.stdenv || !f.sigs.has(sigTools) {
		for i := range d.InputDrvs {
			x.replay(x.memo.inputs.of(x, closure.NameOf(d.InputDrvs[i].Path), 0, x.input))
		}
	}
	x.resolve()
	// stdenv's default phases, with nothing said against them.
	if f.stdenv && !f.sigs.any(sigDontBuild, sigCustomInstall, sigCustomScript) && !x.nothingToMake() {
		x.in = x.memo.variable("stdenv")
		x.hit(sigDefaultMake, "configure, make and make install as by default")
	}
}

// nothingToMake says that the default build finds no sources: the archive is
// not unpacked, and no phase of the package's own puts files in its place.
func (x *extractor) nothingToMake() bool {
	if !on(x.attrs.Get("dontUnpack")) {
		return false
	}
	for _, k := range [...]string{"unpackPhase", "postUnpack", "prePatch", "postPatch", "preConfigure", "configurePhase", "postConfigure", "preBuild", "buildPhase", "makeFlags", "buildFlags", "makefile"} {
		v := x.attrs.Get(k)
		if k == "buildPhase" && strings.Contains(v, "$out") && !x.f.sigs.any(sigCompile, sigCC, sigOwnBuild) {
			continue // writes the output itself, as text with names filled in
		}
		if v != "" {
			return false
		}
	}
	return true
}

// env reads one variable, or remembers what it says.
func (x *extractor) env(key, value string) {
	v := x.before.next
	if v == nil || v.name != key {
		v = x.memo.variable(key)
		x.before.next = v
	}
	x.before = v
	if v.class == classSkip && v.sig == sigNone {
		return
	}
	x.in = v
	switch v.class {
	case classPlain:
		if v.sig == sigNone && v.name != "text" && strings.IndexByte(value, '/') < 0 {
			return // no path
		}
	case classTools:
		x.f.sigs.set(sigTools)
	case classScript, classFlags, classWrap:
		if len(value) <= maxPiece && !x.buildInstalls && !(x.noBuild && v.builds) {
			x.replay(x.memo.values.of(x, value, v.number, func(value string) { x.variable(v, value) }))
			return
		}
	}
	x.variable(v, value)
}

// hasCompiler says that a standard environment hands on a compiler: nixpkgs
// wraps them all, and the first stages take theirs from the bootstrap tools.
// Among the inputs of one without there can be a compiler as well, because
// what its output may refer to is an input too (allowedRequisites).
func (x *extractor) hasCompiler() bool {
	lists := 0
	for _, key := range [...]string{"initialPath", "defaultNativeBuildInputs", "defaultBuildInputs"} {
		if list := x.attrs.Get(key); list != "" {
			lists++
			for p := range strings.FieldsSeq(list) {
				if compilerName(closure.NameOf(p)) {
					return true
				}
			}
		}
	}
	if lists > 1 { // all do have a path: one that lists its tools too lists the compiler
		return false
	}
	for i := range x.d.InputDrvs {
		if compilerName(closure.NameOf(x.d.InputDrvs[i].Path)) {
			return true
		}
	}
	return false
}

func compilerName(name string) bool {
	n := stem(name)
	return strings.Contains(n, "gcc") || strings.Contains(n, "clang") || strings.HasSuffix(n, "cc-wrapper") || strings.Contains(n, "bootstrap-tools") || strings.Contains(n, "tcc")
}

// builderOf looks at what is run to build.
func (x *extractor) builderOf() {
	b := x.d.Builder
	x.in = x.memo.variable("builder")
	x.f.inputSrcs = binarySources(x.d)
	if strings.HasPrefix(b, "/") && !strings.Contains(closure.NameOf(rootOf(b)), "bash") {
		x.f.builder = strings.Clone(rootOf(b))
	}
	for _, a := range x.d.Args {
		if !strings.HasPrefix(a, "/") || strings.HasSuffix(a, "-default-builder.sh") || strings.HasSuffix(a, "-source-stdenv.sh") {
			continue
		}
		if strings.HasSuffix(a, ".sh") || strings.Contains(a, "builder") {
			x.hit(sigCustomScript, closure.NameOf(a))
			x.builderScript(a)
		}
	}
}

// binarySources are the input sources that a derivation runs as programs:
// where its builder is itself an input source, and no script, so are the tools
// beside it (nixpkgs' first standard environments committed bash, tar, bunzip2
// and cp beside their expressions).
func binarySources(d *closure.Derivation) []string {
	if !slices.Contains(d.InputSrcs, d.Builder) || isScriptName(d.Builder) {
		return nil
	}
	out := []string{strings.Clone(d.Builder)}
	for _, s := range d.InputSrcs {
		if s != d.Builder && !isScriptName(s) {
			out = append(out, strings.Clone(s))
		}
	}
	return out
}

func isScriptName(p string) bool {
	switch path.Ext(p) {
	case ".sh", ".nix", ".patch", ".diff", ".pl", ".py", ".txt", ".kaem", ".c", ".h", ".md", ".scm", ".el", ".lua", ".rb", ".json", ".conf":
		return true
	}
	return false
}

// builderScript reads a package's own builder, where it is at hand. Without
// nixpkgs' genericBuild it stands for all phases; with it, for those that it
// defines.
func (x *extractor) builderScript(p string) {
	if x.read == nil || !slices.Contains(x.d.InputSrcs, p) {
		return
	}
	b, err := x.read(p)
	if err != nil {
		return
	}
	text := string(b)
	x.in = x.memo.variable("builder")
	generic := strings.Contains(text, "genericBuild")
	switch {
	case !generic:
		x.hit(sigBuildCommand, closure.NameOf(p))
		x.hit(sigCustomInstall, closure.NameOf(p))
	case strings.Contains(text, "installPhase"):
		x.hit(sigCustomInstall, closure.NameOf(p))
	case !x.noBuild:
		x.hit(sigDefaultMake, closure.NameOf(p))
	}
	x.script(text)
}

// rootOf cuts a path to the store path it starts with.
func rootOf(p string) string {
	i := strings.Index(p, "/store/")
	if i < 0 {
		return p
	}
	if j := strings.IndexByte(p[i+7:], '/'); j >= 0 {
		return p[:i+7+j]
	}
	return p
}
