package analyze

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"

	"fromsource/analyze/trace"
	"fromsource/closure"
)

// executed is what one build was seen to execute, sorted.
type executed struct {
	paths []string            // in the store
	sums  map[[32]byte]string // of files outside the store, with one path each
	lost  string              // such a file of which there is no hash
}

// executions sorts the record by derivation. A record whose derivation is not
// in the closure is none of ours.
func executions(g *closure.Graph, record []trace.Exec) map[closure.ID]*executed {
	byID := map[closure.ID]*executed{}
	for _, e := range record {
		id, ok := g.Lookup(e.Drv)
		if !ok {
			id, ok = g.Producer(e.Output)
		}
		if !ok {
			continue
		}
		x := byID[id]
		if x == nil {
			x = &executed{sums: map[[32]byte]string{}}
			byID[id] = x
		}
		if strings.HasPrefix(e.Path, g.StoreDir()+"/") {
			x.paths = append(x.paths, e.Path)
			continue
		}
		if b, err := hex.DecodeString(e.SHA256); err == nil && len(b) == 32 {
			sum := [32]byte(b)
			if old, seen := x.sums[sum]; !seen || e.Path < old {
				x.sums[sum] = e.Path
			}
		} else if x.lost == "" || e.Path < x.lost {
			x.lost = e.Path
		}
	}
	for _, x := range byID {
		slices.Sort(x.paths)
		x.paths = slices.Compact(x.paths)
	}
	return byID
}

// bySum lists the files outside the store in a fixed order.
func (x *executed) bySum() [][32]byte {
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
