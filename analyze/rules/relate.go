package rules

import (
	"slices"
	"strings"
	"sync"

	"fromsource/analyze/audit"
	"fromsource/analyze/fetch"
	"fromsource/closure"
)

// compiledElsewhere doubts that programs are ready to run where another
// package compiles the same source: then they are the scripts beside it.
func (j *judge) compiledElsewhere(id closure.ID) {
	s := &j.self[id]
	if s.sum < Threshold || !slices.ContainsFunc(s.evidence, func(e audit.Evidence) bool { return (e.Rule == readyPrograms || e.Rule == binaryName) && e.From == "" }) {
		return
	}
	for _, u := range j.content[id] {
		if u.how != refSrc || !j.download(u.id) {
			continue
		}
		for _, c := range j.g.Consumers(u.id) {
			if how, ok := j.usedBy(u.id, c); ok && c != id && how == refSrc && j.self[c].builds {
				s.add(&sourceCompiledElsewhere, "inputDrvs", j.g.Name(c)+" compiles "+j.g.Name(u.id), "")
				return
			}
		}
	}
}

// propagate carries suspicion from a derivation to those that copy out of its
// output, or that only wrap it, until nothing changes. Wrappers nest a few
// deep, so a handful of rounds is enough; the bound is against cycles.
func (j *judge) propagate() {
	for range 8 {
		changed := false
		for i := range j.facts {
			id := closure.ID(i)
			if j.self[id].sum >= Threshold || j.download(id) || j.facts[id].Mirrors != nil {
				continue
			}
			if r, from, ok := j.carries(id); ok {
				s := &j.self[id]
				s.sum = max(s.sum, 0)
				s.add(r, "inputDrvs", j.g.Name(from), j.g.Path(from))
				for k := range s.kinds {
					s.kinds[k] += j.self[from].kinds[k]
				}
				changed = true
			}
		}
		if !changed {
			return
		}
	}
}

// carries finds a suspected derivation whose output id copies or wraps.
func (j *judge) carries(id closure.ID) (*Rule, closure.ID, bool) {
	f := &j.facts[id]
	if j.self[id].builds {
		return nil, 0, false
	}
	for _, u := range j.content[id] {
		if !j.download(u.id) && (u.how == refContent || u.how == refSrc) && j.self[u.id].sum >= Threshold {
			return &copiesCarrier, u.id, true
		}
	}
	if f.Fetch != nil {
		return nil, 0, false
	}
	// A wrapper has no source of its own and shares its name with what it
	// wraps.
	for _, u := range j.content[id] {
		if j.download(u.id) && u.how == refSrc {
			return nil, 0, false
		}
	}
	if from, ok := j.union(id); ok {
		return &wrapsCarrier, from, true
	}
	var own string // worked out when something is suspected
	known := func() bool {
		if own == "" {
			own = wrapperStem(j.g.Name(id))
		}
		return len(own) >= 3
	}
	for _, r := range j.refs[id] {
		if p := r.id; r.how == refStart && p != closure.None && p != id && !j.download(p) && j.self[p].sum >= Threshold {
			return &startsCarrier, p, true
		}
		if r.how != refWrap && r.how != refLink && r.how != refExec {
			continue
		}
		if p := r.id; p != closure.None && p != id && !j.download(p) && j.self[p].sum >= Threshold && known() && (foreignEnvironment(j.g.Name(id)) || hasWord(strings.TrimRight(own, "0123456789"), strings.TrimRight(firstWord(j.g.Name(p)), "0123456789"))) {
			return &wrapsCarrier, p, true
		}
	}
	for _, in := range j.g.Inputs(id) {
		if j.self[in].sum >= Threshold && !j.download(in) && known() && wrapperStem(j.g.Name(in)) == own {
			return &wrapsCarrier, in, true
		}
	}
	return nil, 0, false
}

// union says that a derivation puts together outputs of which every one is
// suspected, and names the first.
func (j *judge) union(id closure.ID) (closure.ID, bool) {
	from := closure.None
	for _, r := range j.refs[id] {
		if r.how != refUnion {
			continue
		}
		p := r.id
		if p == closure.None || j.download(p) || j.self[p].sum < Threshold {
			if p != closure.None && strings.HasSuffix(j.g.Name(p), ".desktop") {
				continue // an entry for its menu
			}
			return 0, false
		}
		if from < 0 {
			from = p
		}
	}
	return from, from >= 0
}

// hasWord says that a name begins with a word, or has it as another of its
// words if it is long enough to mean something.
func hasWord(name, word string) bool {
	return firstWord(name) == word || len(word) >= 4 && strings.Contains("-"+name+"-", "-"+word+"-")
}

// foreignEnvironment says that a derivation starts programs in an environment
// for such as were built for other systems, by the names that nixpkgs gives to
// the parts of one.
func foreignEnvironment(name string) bool {
	n := stem(name)
	return strings.HasSuffix(n, "-init") || strings.HasSuffix(n, "-bwrap") || strings.HasSuffix(n, "-fhs") || strings.HasSuffix(n, "-fhs-env") || strings.HasSuffix(name, "-init") || strings.HasSuffix(name, "-bwrap")
}

// firstWord is a name up to its first dash.
func firstWord(name string) string {
	name, _, _ = strings.Cut(strings.ToLower(name), "-")
	return name
}

// wrapperStem is a name without version and without the words by which
// nixpkgs tells a wrapper from what it wraps.
func wrapperStem(name string) string {
	name = stem(name)
	for _, ext := range [...]string{".in", ".sh"} {
		name = strings.TrimSuffix(name, ext)
	}
	for {
		cut := false
		for _, w := range [...]string{"-unwrapped", "-wrapped", "-wrapper", "-extracted", "-fhs-env", "-fhsenv", "-fhs", "-init", "-rootfs", "-bwrap", "-env", "-original", "-run", "-bin", "-dist", "-chroot", "-userenv", "-usr-target", "-profile", "-with-plugins", "-with-extensions", "-runtime", "-launcher", "-core", "-base", "-files", "-app", "-program", "-installer", "-installed", "-raw", "-real", "-engine", "-tarball", "-image", "-contents", "-appimage", "-deb", "-rpm", "-package", "-dir", "-tree", "-prebuilt", "-full", "-fhsenv-rootfs", "-fhsenv-profile"} {
			if strings.HasSuffix(name, w) {
				name, cut = strings.TrimSuffix(name, w), true
			}
		}
		if !cut {
			return name
		}
	}
}

// seeds marks the distribution's bootstrap seeds: what is executed as the
// builder of a derivation before there is any compiler, and the archive that
// such a derivation unpacks.
func (j *judge) seeds() {
	for i := range j.facts {
		id := closure.ID(i)
		f := &j.facts[id]
		if f.builder != "" && !j.download(id) {
			if p := j.makers.find(hashPath(f.builder)); p != closure.None && j.download(p) && j.self[p].sum > -1000 {
				j.seed(p, &builderSeed, "builder of "+j.g.Name(id), id)
				// What an unpacker of that kind unpacks is the rest of the seed.
				for _, r := range j.refs[id] {
					if q := r.id; q != closure.None && q != p && j.download(q) && seedName(j.g.Name(q), j.facts[q].Fetch) {
						j.seed(q, &unpackedSeed, "unpacked by "+j.g.Name(id), id)
						j.out[id].Seed = true
					}
				}
			}
		}
		if f.Fetch == nil && !f.stdenv && len(f.inputSrcs) > 0 {
			j.seed(id, &unpacksSeed, "builder is the committed program "+closure.NameOf(f.inputSrcs[0]), -1)
			j.out[id].Suspected = true
		}
		if j.seedURLs[id] {
			j.seed(id, &seedAddress, first(f.Fetch.URLs), -1)
		}
		if f.Fetch == nil && !f.stdenv && seedName(j.g.Name(id), nil) {
			for _, in := range j.g.Inputs(id) {
				if j.out[in].Seed || j.seedURLs[in] {
					j.out[id].Seed = true
				}
			}
			if j.out[id].Seed && !j.out[id].Suspected {
				j.self[id].add(&unpacksSeed, "inputDrvs", "unpacks a bootstrap seed", "")
				j.out[id].Suspected = true
			}
		}
	}
}

func (j *judge) seed(id closure.ID, r *Rule, detail string, from closure.ID) {
	j.out[id].Seed = true
	for _, e := range j.self[id].evidence {
		if e.Rule == r.ID {
			return
		}
	}
	path := ""
	if from >= 0 {
		path = j.g.Path(from)
	}
	s := &j.self[id]
	s.sum = max(s.sum, 0)
	s.add(r, "graph", detail, path)
	s.kinds[0] += r.Weight
}

// seedName is how bootstrap archives are called, in every era.
func seedName(name string, _ *fetch.Fetch) bool {
	low := strings.ToLower(name)
	for _, s := range [...]string{"bootstrap-tools", "static-tools", "hex0-seed", "bootstrap-seeds", "stage0-posix-seed", "bootstrap-binar"} {
		if strings.Contains(low, s) {
			return true
		}
	}
	return false
}

// seedURL recognises the addresses at which distributions keep their seeds.
func seedURL(f *fetch.Fetch) bool {
	for _, u := range f.URLs {
		low := lower(u)
		if !seedWord(low) {
			continue // most
		}
		if strings.Contains(low, "/stdenv-linux/") || strings.Contains(low, "/stdenv-darwin/") || strings.Contains(low, "tarballs.nixos.org/stdenv/") ||
			strings.Contains(low, "bootstrap-tools") || strings.Contains(low, "static-tools") || strings.Contains(low, "bootstrap-seeds") || strings.Contains(low, "/bootstrap-files/") {
			_, ext := fileType(low)
			if ext != ".patch" && ext != ".nix" && ext != ".sh" && ext != ".kaem" {
				return true
			}
		}
	}
	return false
}

// seedWord says that an address has one of the words that all addresses of
// seeds have: "stdenv", "bootstrap" or "static-tools", which is asked of every
// address in one pass.
func seedWord(low string) bool {
	for i := 0; ; i++ {
		n := strings.IndexByte(low[i:], 's')
		if n < 0 {
			return false
		}
		i += n
		rest := low[i:]
		if strings.HasPrefix(rest, "stdenv") || strings.HasPrefix(rest, "static-tools") || strings.HasPrefix(rest, "strap") && strings.HasSuffix(low[:i], "boot") {
			return true
		}
	}
}

func first(ss []string) string {
	if len(ss) == 0 {
		return ""
	}
	return ss[0]
}

// executes lists suspected inputs that a build runs and does not ship.
func (j *judge) executes(id closure.ID) []closure.ID {
	if j.download(id) || !j.self[id].builds {
		return nil
	}
	var out []closure.ID
	for _, r := range j.refs[id] {
		if r.how != refTool && r.how != refExec && r.how != refVar && r.how != refUnion {
			continue
		}
		p := r.id
		if p == closure.None || p == id || j.self[p].sum < Threshold && !j.out[p].Suspected {
			continue
		}
		shipped := slices.ContainsFunc(j.content[id], func(u use) bool {
			return u.id == p && (u.how == refContent || u.how == refSrc)
		})
		if !shipped && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// role says what a derivation's output is to its consumers.
func (j *judge) role(id closure.ID) string {
	f := j.facts[id].Fetch
	o := &j.out[id]
	if o.Seed {
		return RoleSeed
	}
	if f == nil {
		if o.Suspected {
			return RolePrebuilt
		}
		return RoleBuild
	}
	switch {
	case j.self[id].patch:
		return RolePatch
	case o.Suspected:
		return RolePrebuilt
	case f.Empty:
		return RoleEmpty
	case f.Stub:
		return RoleStub
	}
	switch f.Fetcher {
	case fetch.CargoVendor, fetch.GoModules, fetch.NpmDeps, fetch.YarnDeps, fetch.PnpmDeps, fetch.BunDeps, fetch.DenoDeps, fetch.MavenDeps, fetch.GradleDeps, fetch.SbtDeps,
		fetch.CoursierDeps, fetch.BazelDeps, fetch.NugetDeps, fetch.ComposerDeps, fetch.MixDeps, fetch.PubDeps, fetch.GclientDeps, fetch.ZigDeps:
		return RoleVendored
	case fetch.Local:
		return RoleBuild
	}
	if j.self[id].data {
		return RoleData
	}
	patch := false
	for _, c := range j.g.Consumers(id) {
		patch = patch || slices.Contains(j.refs[c], use{id, refPatch})
	}
	if patch {
		return RolePatch
	}
	return RoleSource
}

// ruleFacts are what is asked of a rule by its id.
type ruleFacts struct {
	weight int
	kind   audit.Kind
}

var ruleIndex = sync.OnceValue(func() map[string]ruleFacts {
	m := map[string]ruleFacts{}
	for _, r := range All() {
		m[r.ID] = ruleFacts{r.Weight, r.Kind}
	}
	return m
})

// weightOf and kindOf look a rule up by id; evidence holds only the id.
func weightOf(id string) int { return ruleIndex()[id].weight }

func kindOf(id string) audit.Kind { return ruleIndex()[id].kind }
