package rebuild

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// tailBytes is how much of a log is kept, and tailLines how much of it is
// shown in a result.
const (
	tailBytes = 64 << 10
	tailLines = 20
)

// tail is a writer that keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	max int
	buf []byte
}

// Write implements io.Writer; it never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - 2*t.max; over > 0 {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-t.max:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buf
	if len(b) > t.max {
		b = b[len(b)-t.max:]
	}
	return string(b)
}

// lastLines is the end of a log as a result shows it: valid UTF-8, without
// terminal escapes, at most tailLines lines.
func lastLines(s string) string {
	lines := strings.Split(strings.TrimRight(clean(s), "\n"), "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return strings.Join(lines, "\n")
}

// lastLine is the last line of a log that is not empty.
func lastLine(s string) string {
	s = strings.TrimRight(clean(s), "\n ")
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// clean drops escape sequences and control characters: a log is written by
// the builds, and is shown on terminals.
func clean(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == 0x1b:
			if i < len(s) && s[i] == '[' {
				for i++; i < len(s) && (s[i] < 0x40 || s[i] > 0x7e); i++ {
				}
				i = min(i+1, len(s))
			}
		case r == '\n' || r == '\t' || !unicode.IsControl(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}
