package analyze

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"

	"fromsource/analyze/trace"
	"fromsource/closure"
)

// programs are files of one build's record, sorted.
type programs struct {
	paths []string            // in the store
	sums  map[[32]byte]string // of files outside the store, with one path each
	lost  string              // such a file of which there is no hash
}

func (p *programs) add(g *closure.Graph, e *trace.Exec) {
	if strings.HasPrefix(e.Path, g.StoreDir()+"/") {
		p.paths = append(p.paths, e.Path)
		return
	}
	if b, err := hex.DecodeString(e.SHA256); err == nil && len(b) == 32 {
		if p.sums == nil {
			p.sums = map[[32]byte]string{}
		}
		sum := [32]byte(b)
		if old, seen := p.sums[sum]; !seen || e.Path < old {
			p.sums[sum] = e.Path
		}
	} else if p.lost == "" || e.Path < p.lost {
		p.lost = e.Path
	}
}

func (p *programs) sort() {
	slices.Sort(p.paths)
	p.paths = slices.Compact(p.paths)
}

// executed is what one build was seen to execute.
type executed struct {
	programs
	// given is the bytecode that interpreters were started with; opened is
	// what else was opened by a program that could be one, whatever its name,
	// of the store whole store paths.
	given, opened programs
	// opens says that given and opened are complete.
	opens bool
}

// executions sorts the record by derivation. A record whose derivation is not
// in the closure is none of ours.
func executions(g *closure.Graph, record []trace.Exec) map[closure.ID]*executed {
	byID := map[closure.ID]*executed{}
	for i := range record {
		e := &record[i]
		id, ok := g.Lookup(e.Drv)
		if !ok {
			id, ok = g.Producer(e.Output)
		}
		if !ok {
			continue
		}
		x := byID[id]
		if x == nil {
			x = &executed{opens: true}
			byID[id] = x
		}
		x.opens = x.opens && e.Opens
		switch {
		case e.By == "":
			x.add(g, e)
		case starts(e):
			x.given.add(g, e)
		case !copies(e.By):
			x.opened.add(g, e)
		}
	}
	for _, x := range byID {
		x.sort()
		x.given.sort()
		x.opened.sort()
	}
	return byID
}

// copies reports whether a program only copies, packs or unpacks what it opens.
// All others could execute it: Java's machine is in programs of many names.
func copies(p string) bool {
	switch programName(p) {
	case "cp", "mv", "install", "ln", "rsync", "cat", "dd", "cmp", "diff", "file", "find", "grep", "sha256sum", "md5sum", "strip", "patchelf", "coreutils",
		"tar", "bsdtar", "cpio", "zip", "unzip", "7z", "7za", "7zz", "gzip", "xz", "bzip2", "zstd", "mksquashfs", "xorriso", "genisoimage":
		return true
	}
	return false
}

// starts reports whether an interpreter was started with a file to execute it.
func starts(e *trace.Exec) bool {
	name := programName(e.By)
	switch {
	case name == "java":
		switch e.As {
		case "-jar", "-cp", "-classpath", "--class-path", "-p", "--module-path", "-javaagent":
			return true
		}
		return false
	case strings.HasPrefix(name, "java"): // javac and the like read classes, but run processors
		return e.As == "-processorpath" || e.As == "--processor-path"
	case strings.HasPrefix(name, "emacs"):
		return e.As == "-l" || e.As == "--load" || e.As == "--script"
	}
	return e.As == "argument" && named(e.By, startedAs)
}

// bySum lists the files outside the store in a fixed order.
func (x *programs) bySum() [][32]byte {
	out := make([][32]byte, 0, len(x.sums))
	for s := range x.sums {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b [32]byte) int { return cmp.Compare(x.sums[a]+string(a[:]), x.sums[b]+string(b[:])) })
	return out
}

// splitStore cuts a path into the store path it lies in and the rest.
func splitStore(storeDir, p string) (storePath, rest string) {
	base := strings.TrimPrefix(p, storeDir+"/")
	name, rest, _ := strings.Cut(base, "/")
	return storeDir + "/" + name, rest
}
