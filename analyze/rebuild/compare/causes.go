package compare

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// stamps are the ways in which times are written. They are replaced before
// two lines are compared again: if the lines are then the same, it was a time.
var stamps = regexp.MustCompile(strings.Join([]string{
	// 2026-11-23T00:16:46Z, 2026-11-23 00:16:46 +0000, 2026-11-23, 20261123T001646
	`\b(?:19|20)\d\d[-/.](?:0\d|1[0-2])[-/.](?:[0-2]\d|3[01])(?:[T _](?:[01]\d|2[0-3]):?[0-5]\d(?::?[0-5]\d)?(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?`,
	// Mon Nov 23 00:16:46 UTC 2026; Nov 23 2026; 23 Nov 2026; Nov 23 00:16
	`\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* +\d{1,2},?(?: +\d\d:\d\d(?::\d\d)?)?(?: +[A-Z]{3,4})?(?: +(?:19|20)\d\d)?`,
	`\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?\d{1,2} +(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* +(?:19|20)\d\d(?: +\d\d:\d\d(?::\d\d)?)?(?: +(?:[A-Z]{3,4}|[+-]\d{4}))?`,
	// 00:16:46
	`\b(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?\b`,
	// Seconds since 1970, from 2001 to 2065, and the same in milliseconds.
	`\b(?:1\d|2\d)\d{8}(?:\d{3})?(?:\.\d+)?\b`,
}, "|"))

// places are paths that depend on where and when something was built.
var places = regexp.MustCompile(`/(?:nix/store/[0-9a-df-np-sv-z]{32}-|build/|tmp/|private/tmp/|var/tmp/|homeless-shelter|root/|home/)[^\s"'<>:;,)\x00]*`)

// window is how much of a difference is looked at.
const window = 1 << 20

// causes recognises why two files differ: "timestamp", "path", "order", or
// both of the first, with an example. It is empty where that is not the whole
// of it.
func causes(a, b *blob, p place) (cause, detail string) {
	if a.size > window || b.size > window {
		return near(a, b, p)
	}
	ta, tb := a.head(window), b.head(window)
	if !isText(ta) || !isText(tb) {
		return near(a, b, p)
	}
	la, lb := strings.Split(string(ta), "\n"), strings.Split(string(tb), "\n")
	if len(la) == len(lb) {
		if cause, detail := lines(la, lb); cause != "" {
			return cause, detail
		}
	}
	if sameLines(la, lb) {
		i := firstUnequal(la, lb)
		return "order", fmt.Sprintf("the same lines in another order, first at line %d: %s became %s", i+1, quoted(la[i]), quoted(lb[i]))
	}
	i := firstUnequal(la, lb)
	if i < len(la) && i < len(lb) {
		return "content", fmt.Sprintf("line %d: %s became %s", i+1, quoted(la[i]), quoted(lb[i]))
	}
	return "content", fmt.Sprintf("%d lines became %d", len(la), len(lb))
}

// lines explains lines that differ one by one; every one must be explained.
func lines(a, b []string) (cause, detail string) {
	var time, where bool
	first := -1
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		t, w, ok := explain(a[i], b[i])
		if !ok {
			return "", ""
		}
		time, where = time || t, where || w
		if first < 0 {
			first = i
		}
	}
	if first < 0 {
		return "", ""
	}
	return cause2(time, where), fmt.Sprintf("line %d: %s became %s", first+1, quoted(a[first]), quoted(b[first]))
}

func cause2(time, where bool) string {
	switch {
	case time && where:
		return "timestamp and path"
	case time:
		return "timestamp"
	}
	return "path"
}

// explain reports whether two strings are the same but for times or paths.
func explain(a, b string) (time, where, ok bool) {
	if stamps.ReplaceAllString(a, "\x00") == stamps.ReplaceAllString(b, "\x00") {
		return true, false, true
	}
	pa, pb := places.ReplaceAllString(a, "\x01"), places.ReplaceAllString(b, "\x01")
	if pa == pb {
		return false, true, true
	}
	if stamps.ReplaceAllString(pa, "\x00") == stamps.ReplaceAllString(pb, "\x00") {
		return true, true, true
	}
	return false, false, false
}

// near looks at the printable string around the first difference in binary
// data. It explains the file only if nothing else differs.
func near(a, b *blob, p place) (cause, detail string) {
	const around = 256
	from := max(0, p.first-around)
	ra := a.part(from, min(2*around, max(0, a.size-from))).head(2 * around)
	rb := b.part(from, min(2*around, max(0, b.size-from))).head(2 * around)
	sa, sb := run(ra, int(p.first-from)), run(rb, int(p.first-from))
	if sa == "" || sb == "" || a.size != b.size {
		return "", ""
	}
	t, w, ok := explain(sa, sb)
	if !ok || int64(unequal(sa, sb)) != p.bytes {
		return "", ""
	}
	return cause2(t, w), fmt.Sprintf("%s became %s at byte %d", quoted(sa), quoted(sb), p.first)
}

// run is the printable string that position i lies in.
func run(b []byte, i int) string {
	ok := func(c byte) bool { return c >= 0x20 && c < 0x7f }
	if i >= len(b) || !ok(b[i]) {
		return ""
	}
	lo, hi := i, i
	for lo > 0 && ok(b[lo-1]) {
		lo--
	}
	for hi < len(b) && ok(b[hi]) {
		hi++
	}
	return string(b[lo:hi])
}

func unequal(a, b string) (n int) {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func sameLines(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func firstUnequal(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// quoted is an example, cut to what a report has room for.
func quoted(s string) string {
	const longest = 80
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
