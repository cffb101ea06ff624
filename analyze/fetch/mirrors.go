package fetch

import (
	"strings"

	"fromsource/closure"
)

// Mirrors maps a mirror:// name to the sites that serve it, most preferred
// first.
type Mirrors map[string][]string

// ParseMirrors reads the derivation that nixpkgs' fetchurl names as its
// mirrorsFile: one variable for each mirror name, holding addresses split at
// white space. False if d is not such a list.
func ParseMirrors(d *closure.Derivation) (Mirrors, bool) {
	if d.Name() != "mirrors-list" {
		return nil, false
	}
	m := Mirrors{}
	Attrs(d).All(func(key, value string) {
		if !strings.Contains(value, "://") {
			return
		}
		var sites []string
		for _, s := range strings.Fields(value) {
			if strings.Contains(s, "://") {
				sites = append(sites, strings.Clone(s))
			}
		}
		if len(sites) > 0 {
			m[strings.Clone(key)] = sites
		}
	})
	return m, len(m) > 0
}

// Resolve replaces mirror://NAME/rest in f's URLs by the first site of NAME
// followed by rest. A name that m does not know is left as it is.
func (f Fetch) Resolve(m Mirrors) []string {
	out := make([]string, len(f.URLs))
	for i, u := range f.URLs {
		out[i] = m.Resolve(u)
	}
	return out
}

// Resolve replaces one mirror:// address by its first site.
func (m Mirrors) Resolve(u string) string {
	rest, ok := strings.CutPrefix(u, "mirror://")
	if !ok {
		return u
	}
	name, tail, _ := strings.Cut(rest, "/")
	sites := m[name]
	if len(sites) == 0 {
		return u
	}
	return strings.TrimSuffix(sites[0], "/") + "/" + tail
}
