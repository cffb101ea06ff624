package inputs

import (
	"sort"
	"strings"
	"time"
)

// epoch is the time that assembled files carry: the same as in a Nix store.
var epoch = time.Unix(1, 0).UTC()

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// limited keeps the end of what a child process said.
type limited struct{ buf []byte }

const maxStderr = 4 << 10

func (l *limited) Write(p []byte) (int, error) {
	l.buf = append(l.buf, p...)
	if over := len(l.buf) - maxStderr; over > 0 {
		l.buf = append(l.buf[:0], l.buf[over:]...)
	}
	return len(p), nil
}

func (l *limited) String() string { return strings.TrimSpace(string(l.buf)) }
