package audit

import (
	"net/url"
	"slices"
	"strings"
)

// Title is a derivation's name, with the place that it is fetched from where
// every fetch of a kind has the same one.
func (d *Derivation) Title() string {
	if d.Name == "source" && len(d.URLs) > 0 {
		return d.Name + " of " + Place(d.URLs[0])
	}
	return d.Name
}

// Place is the part of a URL that a table has room for: the host, and the
// first two steps of a longer path, which on a forge are owner and project, or
// the repository, where a step further down is called so or names it to
// GitLab's API. A mirror:// URL names a list of hosts.
func Place(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	s := u.Host
	if u.Scheme == "mirror" {
		s = "mirror://" + s
	}
	steps := strings.Split(strings.Trim(u.Path, "/"), "/")
	if k := slices.IndexFunc(steps, func(step string) bool { return strings.HasSuffix(step, ".git") }); k > 1 {
		return s + "/…/" + steps[k]
	}
	if api, rest, ok := strings.Cut(u.EscapedPath(), "/projects/"); ok && strings.HasPrefix(api, "/api/") {
		project, _, _ := strings.Cut(rest, "/")
		if project, err = url.PathUnescape(project); err == nil && strings.Contains(project, "/") {
			return s + "/" + project
		}
	}
	if len(steps) > 2 || len(steps) == 2 && strings.HasSuffix(u.Path, ".git") {
		s += "/" + strings.TrimSuffix(strings.Join(steps[:2], "/"), "/-")
	}
	return s
}
