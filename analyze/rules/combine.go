package rules

import (
	"slices"

	"fromsource/analyze/audit"
	"fromsource/closure"
)

// combine adds the best of what is fetched to what is done with it.
func (j *judge) combine(id closure.ID) {
	if j.download(id) {
		return
	}
	s := &j.self[id]
	j.runsDownload(id)
	best, bestUse := 0, use{}
	for _, u := range j.content[id] {
		if !j.download(u.id) || j.self[u.id].patch {
			continue
		}
		v := j.self[u.id].sum
		if s.bytecode() {
			for _, e := range j.self[u.id].evidence {
				if j.self[u.id].unless(e.Rule) {
					v -= weightOf(e.Rule)
				}
			}
		}
		if u.how != refSrc && s.builds {
			// A build that also has other files: only the source decides.
			continue
		}
		if v > best || v < 0 && best == 0 && (u.how == refSrc || u.how == refContent && j.sourceless(id)) {
			best, bestUse = v, u
		}
	}
	if best == 0 {
		return
	}
	src := &j.self[bestUse.id]
	if bestUse.how == refSrc && forMachine(src.evidence) && j.onlySource(id, bestUse.id) {
		s.drop(defaultPhases)
	}
	bytecode := s.bytecode()
	s.sum += best
	for i := range s.kinds {
		s.kinds[i] += src.kinds[i]
	}
	for _, e := range src.evidence {
		if bytecode && src.unless(e.Rule) {
			continue
		}
		e.From = j.g.Path(bestUse.id)
		s.evidence = append(s.evidence, e)
	}
}

// sourceless says that a derivation has no source: what it copies or unpacks
// stands for one.
func (j *judge) sourceless(id closure.ID) bool {
	return !slices.ContainsFunc(j.content[id], func(u use) bool { return u.how == refSrc })
}

// bytecode says that what a derivation does speaks of bytecode as well as of
// native code: that its download is for every machine is nothing against it.
func (s *scored) bytecode() bool {
	native, bytecode := s.kinds[kindIndex(audit.NativeCode)], s.kinds[kindIndex(audit.Bytecode)]
	return bytecode > 0 && 2*bytecode >= native
}

// unless says that what a rule says of a download holds unless what is done
// with it speaks of bytecode: that it is for every machine, or that a word of
// its name calls it data.
func (s *scored) unless(rule string) bool {
	return rule == noArch || rule == fromData && s.dataWord
}

// drop takes back a rule that does not hold in the light of the graph.
func (s *scored) drop(rule string) {
	for i, e := range s.evidence {
		if e.Rule == rule {
			s.sum -= weightOf(rule)
			s.evidence = slices.Delete(s.evidence, i, i+1)
			return
		}
	}
}

// onlySource says that src is the one download among the sources of id.
func (j *judge) onlySource(id, src closure.ID) bool {
	for _, u := range j.content[id] {
		if u.how == refSrc && u.id != src && j.download(u.id) && !j.self[u.id].patch {
			return false
		}
	}
	return true
}

// forMachine says that a fetch names the machine that it was built for, or is
// prebuilt by its type: the default phases find nothing to compile there, and
// leave what there is to install to their hooks.
func forMachine(evidence []audit.Evidence) bool {
	for _, e := range evidence {
		if e.Rule == "url-machine-file" {
			return true
		}
	}
	return prebuiltType(evidence)
}

// runsDownload looks for a launcher of a file inside a download.
func (j *judge) runsDownload(id closure.ID) {
	s := &j.self[id]
	if s.builds {
		return
	}
	for _, u := range j.content[id] {
		if u.how == refExec && j.download(u.id) && !j.self[u.id].patch {
			s.add(&runsFetched, "inputDrvs", j.g.Name(u.id), "")
			return
		}
	}
}

// grounded drops what speaks for prebuilt code in a derivation that takes in
// no download at all, and no file committed beside the expression as its
// source: it has nothing to repackage. (Compiler wrappers ask for the
// loader's path too.) What it copies from others is found by propagate.
func (j *judge) grounded(id closure.ID) {
	s := &j.self[id]
	if s.sum <= 0 || j.download(id) || j.facts[id].Fetch != nil {
		return
	}
	for _, in := range j.g.Inputs(id) {
		if j.download(in) && j.takes(id, in) {
			return
		}
	}
	for _, r := range j.refs[id] {
		p, ok := r.id, r.id != closure.None
		if !ok && r.how == refSrc || ok && r.how != refTool && j.g.FixedOutput(p) && (!j.download(p) || j.takes(id, p)) {
			return
		}
		if ok && (r.how == refSrc || r.how == refContent) && j.facts[p].Fetch == nil && (!j.facts[p].stdenv || j.unpacks(p)) {
			return // unpacked by something that is no ordinary build
		}
	}
	s.sum = 0
	s.evidence = s.evidence[:0]
	s.kinds = [3]int{}
}

// takes says that a download may be what a derivation repackages: it is no
// patch and, where it is sources by its address, it is the source, copied,
// unpacked or started, and not only named for a file of it.
func (j *judge) takes(id, in closure.ID) bool {
	return !j.self[in].patch && j.self[in].sum > -Threshold/2 || slices.ContainsFunc(j.refs[id], func(r use) bool {
		return r.id == in && (r.how == refSrc || r.how == refContent || r.how == refLink || r.how == refExec || r.how == refStart)
	})
}

// unpacks says that a derivation takes in a download and compiles nothing: its
// output is what was fetched, in another form.
func (j *judge) unpacks(id closure.ID) bool {
	return !j.self[id].builds && slices.ContainsFunc(j.content[id], func(u use) bool { return j.download(u.id) && !j.self[u.id].patch })
}
