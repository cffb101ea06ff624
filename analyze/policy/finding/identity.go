package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"fromsource/analyze/audit"
)

// Identity is what stays the same of a finding when its version changes: the
// name and the origin without versions, and what it is. Two findings of one
// identity are one entry of a baseline.
type Identity struct {
	Name    string        `json:"name"`
	Verdict audit.Verdict `json:"verdict"`
	Kinds   []audit.Kind  `json:"kinds"`
	Reach   audit.Reach   `json:"reach"`
	// Origin is host and path pattern of the fetch; for a finding that
	// carries prebuilt members of source archives, "from:" and theirs; "-"
	// where there is none of its own.
	Origin string `json:"origin"`
}

// maxOrigins bounds how many origins a carrier's identity spells out; more
// are counted and hashed, so that any change of the set still shows.
const maxOrigins = 3

// Identity of row i.
func (s *Set) Identity(i int) Identity {
	d := s.At(i)
	kinds := slices.Clone(d.Kinds)
	slices.Sort(kinds)
	return Identity{
		Name: field(NormalName(d.Name)), Verdict: d.Verdict, Kinds: slices.Compact(kinds),
		Reach: s.Reach(i), Origin: s.Origin(i),
	}
}

// Reach of row i: its own, or that of an output which carries its bytes, when
// that goes further. A prebuilt fetch is not itself in a runtime closure; what
// was copied from it may be.
func (s *Set) Reach(i int) audit.Reach {
	if s.carried == nil {
		s.carry()
	}
	own := s.At(i).Reach
	if r, ok := s.carried[i]; ok && reachRank(r) < reachRank(own) {
		return r
	}
	return own
}

// carry fills carried: for each row at the end of what carriers come from, how
// far the bytes of it get. What a tool has made holds none of the tool's bytes.
func (s *Set) carry() {
	s.carried = map[int]audit.Reach{}
	seen := map[int]audit.Reach{}
	var todo []int
	reach := func(in map[int]audit.Reach, i int, r audit.Reach) bool {
		if old, ok := in[i]; ok && reachRank(old) <= reachRank(r) {
			return false
		}
		in[i] = r
		return true
	}
	for j := range s.Audit.Derivations {
		if d := s.At(j); d.Verdict == audit.CarriesBinary && reach(seen, j, d.Reach) {
			todo = append(todo, j)
		}
		for len(todo) > 0 {
			k := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			from := s.Sources(k)
			if len(from) == 0 {
				reach(s.carried, k, seen[k])
			}
			for _, n := range from {
				if s.At(n).Verdict != audit.BuiltByBinary && reach(seen, n, seen[k]) {
					todo = append(todo, n)
				}
			}
		}
	}
}

// Origins are the rows at the end of a row's evidence: what its sources (and
// theirs) come from, ascending; empty for a row whose evidence names no other.
func (s *Set) Origins(i int) []int {
	if s.ends == nil {
		s.ends = make([][]int, len(s.Audit.Derivations))
		s.from = make([][]int, len(s.Audit.Derivations))
	}
	if s.ends[i] == nil {
		s.follow(i)
	}
	if len(s.from[i]) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.ends[i]), func(j int) bool { return j == i })
}

// follow fills ends for a row and all that it comes from, each once: what
// many builds come from at many removes is asked of every one of them. A row
// that comes from itself, as a hand-made file can say, is not followed again.
func (s *Set) follow(i int) {
	type frame struct{ row, next int }
	open := map[int]bool{i: true}
	s.from[i] = s.Sources(i)
	for todo := []frame{{row: i}}; len(todo) > 0; {
		f := &todo[len(todo)-1]
		if from := s.from[f.row]; f.next < len(from) {
			j := from[f.next]
			f.next++
			if s.ends[j] == nil && !open[j] {
				open[j] = true
				s.from[j] = s.Sources(j)
				todo = append(todo, frame{row: j})
			}
			continue
		}
		ends := []int{}
		for _, j := range s.from[f.row] {
			ends = append(ends, s.ends[j]...)
		}
		if len(s.from[f.row]) == 0 {
			ends = append(ends, f.row)
		}
		slices.Sort(ends)
		s.ends[f.row] = slices.Compact(ends)
		todo = todo[:len(todo)-1]
	}
}

// Origin of row i, without versions. Of a row that carries or was built by
// others, only those count that are no findings or seeds themselves (the
// source archives with a prebuilt member): the others have an identity of
// their own, and must not change this one when they come and go.
func (s *Set) Origin(i int) string {
	if d := s.At(i); len(d.URLs) > 0 {
		return NormalURL(d.URLs[0])
	}
	var from []string
	for _, j := range s.Origins(i) {
		d := s.At(j)
		switch {
		case Is(d.Verdict) || d.Verdict == audit.Seed:
		case len(d.URLs) > 0:
			from = append(from, NormalURL(d.URLs[0]))
		default:
			from = append(from, field(NormalName(d.Name)))
		}
	}
	if len(from) == 0 {
		return "-"
	}
	slices.Sort(from)
	from = slices.Compact(from)
	if len(from) > maxOrigins+1 {
		sum := sha256.Sum256([]byte(strings.Join(from, "\n")))
		rest := fmt.Sprintf("+%d:%s", len(from)-maxOrigins, hex.EncodeToString(sum[:6]))
		from = append(from[:maxOrigins:maxOrigins], rest)
	}
	return "from:" + strings.Join(from, ",")
}

// Project is the beginning of the address in an origin, host and the first two
// steps: on a forge, owner and project. Empty for what has no address.
func Project(origin string) string {
	if origin == "-" || strings.HasPrefix(origin, "from:") {
		return ""
	}
	steps := strings.SplitN(origin, "/", 4)
	return strings.Join(steps[:min(len(steps), 3)], "/")
}

// Key is the identity without what may get better or worse: it finds the
// same thing again after its kind or reach has changed.
func (id Identity) Key() string {
	return id.Name + "\x00" + string(id.Verdict) + "\x00" + id.Origin
}

// Fingerprint is a stable hash of the identity, for tools that follow one
// alert over time.
func (id Identity) Fingerprint() string {
	h := sha256.New()
	for _, part := range []string{id.Name, string(id.Verdict), joinKinds(id.Kinds), string(id.Reach), id.Origin} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func joinKinds(kinds []audit.Kind) string {
	parts := make([]string, len(kinds))
	for i, k := range kinds {
		parts[i] = string(k)
	}
	return strings.Join(parts, "+")
}

// NormalName is a derivation's name without its versions: "hello-2.12.1" and
// "hello-2.13" are "hello", "zlib-1.3.tar.gz" is "zlib.tar.gz".
func NormalName(name string) string {
	p := strings.ReplaceAll(pattern(name, true), "-unstable-*", "-*") // a date instead of a release
	p = strings.NewReplacer("-*", "", "_*", "").Replace(p)
	if p == "" || p == "*" {
		return name
	}
	return p
}

// byHash are the folders of a store that is addressed by content.
var byHash = regexp.MustCompile(`/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{32,64}/`)

// NormalURL is host and path of a URL with versions, revisions and hashes
// replaced by "*"; query and fragment are kept the same way. What is not a
// URL with a host is treated as a path. The result holds no white space.
func NormalURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return field(pattern(raw, false))
	}
	host := strings.ToLower(u.Hostname())
	if p := u.Port(); p != "" && p != "443" && p != "80" {
		host += ":" + p
	}
	if u.Scheme == "mirror" {
		host = "mirror:" + host
	}
	rest := byHash.ReplaceAllString(u.Path, "/0/0/0/")
	if u.RawQuery != "" {
		rest += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		rest += "#" + u.Fragment
	}
	return field(host + pattern(rest, false))
}

// field makes a string fit a column of a baseline: white space, control
// bytes, the comment sign and the separator of origins are percent-encoded.
func field(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || c == '#' || c == ',' {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
