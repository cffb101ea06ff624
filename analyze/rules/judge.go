package rules

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"fromsource/analyze/audit"
	"fromsource/analyze/fetch"
	"fromsource/closure"
)

// Suspicion is what the text says of one derivation.
type Suspicion struct {
	// Suspected: a fixed-output derivation fetches prebuilt code; any other
	// carries prebuilt code in its output, as against compiling it.
	Suspected bool
	// Seed: it is, or only unpacks, the distribution's own bootstrap seed.
	Seed bool
	// Kinds are sorted and not null where Suspected.
	Kinds      []audit.Kind
	Confidence audit.Confidence
	// Score is the sum of the weights, see Threshold.
	Score int
	// Evidence is sorted by rule; it holds what speaks for source too.
	Evidence []audit.Evidence
	// URLs are the addresses, mirror:// names resolved where the mirrors list
	// is at hand. Never null.
	URLs []string
	// Fetch is set for a fixed-output derivation.
	Fetch *fetch.Fetch
	// Role of what is fetched or built, one of the Role constants.
	Role string
	// Executes are inputs with suspected content that the text runs during
	// the build rather than ships.
	Executes []closure.ID
	// BinarySources are input sources (files committed beside the expression)
	// that the derivation executes or unpacks as programs.
	BinarySources []string
}

// The roles of a derivation's output in the build of its consumers.
const (
	RoleSource   = "source"
	RolePatch    = "patch"
	RoleData     = "data"
	RoleVendored = "vendored"
	RolePrebuilt = "prebuilt"
	RoleSeed     = "seed"
	RoleTool     = "tool"
	RoleEmpty    = "empty"
	RoleStub     = "stub"
	RoleBuild    = "build"
)

// judge is the state of one Judge.
type judge struct {
	g     *closure.Graph
	facts []Facts
	out   []Suspicion
	// score and kinds by derivation: of what it says of itself.
	self []scored
	// own is each derivation's sum before its consumers were asked.
	own []int
	// content are the derivations whose output each one takes as content.
	content [][]use
	// refs are the references of each one's text, as derivations; what no
	// derivation of the closure makes is closure.None.
	refs [][]use
	// downloads are those that fetch from an address, or stand for a file
	// that must be added by hand: their own text builds nothing.
	downloads []bool
	// named are those whose names or scripts say something of what has them as
	// inputs: a setup hook, a standard environment without compiler, Java.
	named []naming
	// makers finds derivations by the hash of an output's path.
	makers makers
	// seedURLs are those that fetch from where seeds are kept.
	seedURLs []bool
	rules    [numScopes][]Rule
}

const numScopes = 3

// use is one derivation taken as content by another.
type use struct {
	id  closure.ID
	how refHow
}

// scored is a sum of weights with its evidence.
type scored struct {
	sum      int
	evidence []audit.Evidence
	kinds    [3]int // weight for native, bytecode, firmware
	builds   bool
	patch    bool
	data     bool
	// dataWord says that only a word of the name calls it data.
	dataWord bool
}

func (s *scored) add(r *Rule, at, detail string, from string) {
	s.sum += r.Weight
	s.evidence = append(s.evidence, audit.Evidence{Rule: r.ID, Level: audit.LevelDerivation, At: at, Detail: detail, From: from})
	if i := kindIndex(r.Kind); i >= 0 {
		s.kinds[i] += r.Weight
	}
}

var kindOrder = [...]audit.Kind{audit.NativeCode, audit.Bytecode, audit.Firmware}

func kindIndex(k audit.Kind) int {
	for i, o := range kindOrder {
		if o == k {
			return i
		}
	}
	return -1
}

// Judge applies the rules to a loaded closure. facts is indexed by ID, as
// closure.LoadFacts returns it with Extract; so is the result.
func Judge(g *closure.Graph, facts []Facts) []Suspicion {
	j := &judge{g: g, facts: facts, out: make([]Suspicion, len(facts)), self: make([]scored, len(facts)), content: make([][]use, len(facts))}
	for _, r := range All() {
		j.rules[r.Scope] = append(j.rules[r.Scope], r)
	}
	j.refs, j.downloads, j.seedURLs = make([][]use, len(facts)), make([]bool, len(facts)), make([]bool, len(facts))
	j.named = make([]naming, len(facts))
	j.makers = makersOf(g)
	each(len(facts), func(_ *part, id closure.ID) {
		f := &facts[id]
		j.downloads[id] = f.Fetch != nil && (len(f.Fetch.URLs) > 0 || f.Fetch.Stub || f.Fetch.Fetcher != fetch.Local)
		if f.noCC || f.hook != (bits{}) {
			j.named[id] |= namesHook
		}
		if isJava(stem(g.Name(id))) {
			j.named[id] |= namesJava
		}
	})
	j.relaunched()
	// What follows in one each writes only what is of its own derivation, and
	// reads of others what an earlier one wrote.
	each(len(facts), func(p *part, id closure.ID) {
		j.hooks(id)
		j.uses(p, id)
		j.alone(p, id)
	})
	each(len(facts), func(_ *part, id closure.ID) {
		j.combine(id)
		j.grounded(id)
		j.compiledElsewhere(id)
	})
	j.propagate()
	j.own = make([]int, len(facts))
	for i := range j.own {
		j.own[i] = j.self[i].sum
	}
	each(len(facts), func(_ *part, id closure.ID) { j.backward(id) })
	j.seeds()
	each(len(facts), j.finish)
	each(len(facts), func(_ *part, id closure.ID) {
		j.out[id].Role = j.role(id)
		j.out[id].Executes = j.executes(id)
	})
	return j.out
}

// part is what one goroutine of an each has for itself.
type part struct {
	evidence []audit.Evidence
	uses     []use
	sub      subject
	shapes   []shape
	// mirrors is the list that was used last, by its path.
	mirrors     fetch.Mirrors
	mirrorsFile string

	allPiece block[audit.Evidence]
	allUses  block[use]
}

// each calls do for every derivation, on all processors, a few hundred at a
// time, as some derivations take much longer than others.
func each(n int, do func(*part, closure.ID)) {
	const few = 512
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), n/few+1) {
		wg.Go(func() {
			p := part{shapes: make([]shape, 0, 4)}
			for {
				end := int(next.Add(few))
				if end-few >= n {
					return
				}
				for i := end - few; i < min(end, n); i++ {
					do(&p, closure.ID(i))
				}
			}
		})
	}
	wg.Wait()
}

// naming is what a derivation's name or script says of its consumers.
type naming uint8

const (
	namesHook naming = 1 << iota
	namesJava
)

// hooks gives a derivation the signals of the setup hooks among its inputs,
// and of a Java runtime.
func (j *judge) hooks(id closure.ID) {
	f := &j.facts[id]
	for _, in := range j.g.Inputs(id) {
		if j.named[in] == 0 {
			continue
		}
		if j.named[in]&namesJava != 0 && !f.sigs.has(sigJava) && len(f.fetchURLs()) == 0 && !j.g.Missing(id) {
			f.sigs.set(sigJava)
			f.hits = append(f.hits, hit{sigJava, inputDrvs.place, clip(j.g.Name(in))})
		}
		h := j.facts[in].hook
		if j.facts[in].noCC && f.stdenv && !f.sigs.has(sigNoCC) {
			f.sigs.set(sigNoCC)
			f.hits = append(f.hits, hit{sigNoCC, "env.stdenv", j.g.Name(in)})
		}
		for _, s := range [...]signal{sigBuildTool, sigNativeTool, sigAutoPatchelf} {
			if h.has(s) && !f.sigs.has(s) && f.Fetch == nil {
				f.sigs.set(s)
				f.hits = append(f.hits, hit{s, "inputDrvs", j.g.Name(in)})
			}
		}
		if f.Fetch == nil && h.any(launches[:]...) && !j.asTool(f, in) {
			for _, s := range launches {
				if h.has(s) && !f.sigs.has(s) {
					f.sigs.set(s)
					f.hits = append(f.hits, hit{s, "inputDrvs", j.g.Name(in)})
				}
			}
		}
	}
}

// relaunched finds the derivations that hand a launcher on under its own name,
// as nixpkgs' writers of scripts make them: they stand for it.
func (j *judge) relaunched() {
	for i := range j.facts {
		id := closure.ID(i)
		if j.named[id]&namesHook == 0 || !j.facts[id].hook.any(launches[:]...) {
			continue
		}
		for _, c := range j.g.Consumers(id) {
			if f := &j.facts[c]; f.Fetch == nil && !f.sigs.has(sigSource) && j.g.Name(c) == j.g.Name(id) {
				for _, s := range launches {
					if j.facts[id].hook.has(s) {
						f.hook.set(s)
					}
				}
				j.named[c] |= namesHook
			}
		}
	}
}

// asTool says that a derivation has another one as a tool for its build.
func (j *judge) asTool(f *Facts, in closure.ID) bool {
	for _, r := range f.refs {
		if j.makers.find(r.path) == in {
			return r.how == refTool
		}
	}
	return false
}

func (j *judge) download(id closure.ID) bool { return j.downloads[id] }

// alone scores what a derivation says of itself.
func (j *judge) alone(p *part, id closure.ID) {
	f := &j.facts[id]
	if j.g.Missing(id) {
		return
	}
	s := &j.self[id]
	s.evidence = p.evidence[:0]
	defer func() { p.evidence, s.evidence = s.evidence[:0], p.allPiece.clone(s.evidence) }()
	p.sub = subject{f: f, name: j.g.Name(id)}
	sub := &p.sub
	if f.Fetch != nil {
		j.seedURLs[id] = seedURL(f.Fetch)
		sub.shapes = p.shapes[:0]
		for _, u := range f.Fetch.URLs {
			sub.shapes = append(sub.shapes, shapeOf(u, f.Fetch.Name))
			if len(sub.shapes) == 4 {
				break
			}
		}
		if len(sub.shapes) == 0 {
			sub.shapes = append(sub.shapes, shapeOf("", f.Fetch.Name))
		}
		j.apply(OnFetch, sub, s)
		s.patch = isPatch(f.Fetch, sub.shapes)
		s.data = isData(sub.shapes)
		s.dataWord = s.data && !dataType(sub.shapes)
	}
	if !j.download(id) || f.Fetch.PostFetch != "" {
		sub.shapes = append(p.shapes[:0], shapeOf("", sub.name))
		sub.builds = builds(f, sub.name)
		sub.fetched = !sub.builds && j.takesDownload(id)
		sub.source = sub.fetched || f.sigs.has(sigSource)
		s.builds = sub.builds && !j.download(id)
		j.apply(OnUse, sub, s)
	}
}

// takesDownload says that a derivation copies or unpacks a download, as a
// command that stands alone does with what is no variable's value.
func (j *judge) takesDownload(id closure.ID) bool {
	for _, u := range j.content[id] {
		if u.how == refContent && j.download(u.id) {
			return true
		}
	}
	return false
}

func (j *judge) apply(sc Scope, sub *subject, s *scored) {
	for i := range j.rules[sc] {
		r := &j.rules[sc][i]
		if at, detail, ok := r.match(sub); ok {
			s.add(r, at, detail, "")
		}
	}
}

// uses finds what a derivation takes as content: fetches and other
// derivations that its text copies, unpacks or has as its source.
func (j *judge) uses(p *part, id closure.ID) {
	f := &j.facts[id]
	p.uses = p.uses[:0]
	for _, r := range f.refs {
		p.uses = append(p.uses, use{j.makers.find(r.path), r.how})
	}
	j.refs[id] = p.allUses.clone(p.uses)
	if j.download(id) {
		return
	}
	p.uses = p.uses[:0]
	for _, r := range j.refs[id] {
		if r.id == closure.None || r.id == id {
			continue
		}
		switch r.how {
		case refSrc, refContent:
		case refVar, refLink, refExec, refUnion, refStart:
			// Another variable that holds a fetch: plugins=…, firmware=….
			if !j.download(r.id) {
				continue
			}
		case refTool:
			// A download given as a tool is content only where it is used.
			continue
		default:
			continue
		}
		p.uses = append(p.uses, r)
	}
	j.content[id] = p.allUses.clone(p.uses)
}

// backward tells a fetch what its consumers do with it.
func (j *judge) backward(id closure.ID) {
	if !j.download(id) {
		return
	}
	s := &j.self[id]
	if s.patch {
		return
	}
	bestAt := closure.ID(-1)
	best := 0
	compiled, used, fonts := false, false, false
	for _, c := range j.g.Consumers(id) {
		how, ok := j.usedBy(id, c)
		if !ok {
			continue
		}
		used = true
		cs := &j.self[c]
		v := useScore(cs)
		fonts = fonts || j.facts[c].sigs.has(sigFont) && !cs.builds
		if cs.builds && cs.sum < Threshold {
			compiled = compiled || how == refSrc
			continue
		}
		// Where a package has several fetches, what it does with prebuilt
		// code is said of the one that looks most like it.
		if how != refSrc && cs.builds || !j.main(id, c, how) {
			continue
		}
		if v > best {
			best, bestAt = v, c
		}
	}
	if bestAt >= 0 {
		if j.self[bestAt].bytecode() {
			s.drop(noArch)
			if s.dataWord {
				s.drop(fromData)
			}
		}
		s.sum += best
		for _, e := range j.self[bestAt].evidence {
			if e.From != "" || strings.HasPrefix(e.Rule, "from-") {
				continue
			}
			e.From = j.g.Path(bestAt)
			s.evidence = append(s.evidence, e)
		}
		for i := range s.kinds {
			s.kinds[i] += useKinds(&j.self[bestAt], i)
		}
	} else if compiled && used && !prebuiltType(s.evidence) {
		s.add(&compiledByConsumer, "consumers", "compiled by what uses it", "")
	} else if fonts {
		s.add(&fontsForConsumer, "consumers", "what uses it installs fonts", "")
	}
}

// useScore is the part of a package's score that its own text gives.
func useScore(s *scored) int {
	v := 0
	for _, e := range s.evidence {
		if e.From == "" {
			v += weightOf(e.Rule)
		}
	}
	return v
}

func useKinds(s *scored, i int) int {
	v := 0
	for _, e := range s.evidence {
		if e.From == "" && kindIndex(kindOf(e.Rule)) == i {
			v += weightOf(e.Rule)
		}
	}
	return v
}

// usedBy says how c takes id as content.
func (j *judge) usedBy(id, c closure.ID) (refHow, bool) {
	for _, u := range j.content[c] {
		if u.id == id {
			return u.how, true
		}
	}
	return 0, false
}

// main says that id is what c is about: its only fetch, or the one that looks
// most like prebuilt code, among the sources if it is one of them. It goes by
// what the fetches say of themselves, whatever was found of them since.
func (j *judge) main(id, c closure.ID, how refHow) bool {
	for _, u := range j.content[c] {
		if u.id == id || !j.download(u.id) || j.self[u.id].patch || how == refSrc && u.how != refSrc {
			continue
		}
		if j.own[u.id] > j.own[id] {
			return false
		}
	}
	return true
}

// prebuiltType says that a fetch is prebuilt by the type of its file, which
// no consumer that compiles something of it can change.
func prebuiltType(evidence []audit.Evidence) bool {
	for _, e := range evidence {
		switch e.Rule {
		case "url-native-package", "url-bytecode-package", "url-object", "url-platform-wheel", "url-platform-gem", "url-nuget-package":
			return true
		}
	}
	return false
}
