package rebuild

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
)

// journalSchema is on a journal's first line.
const journalSchema = "fromsource/rebuild-journal/v1"

// Journal keeps results on disk as they come: JSON lines, each written and
// synced before the next build's result is taken. A run that is started again
// with the journal of one that was cut off does only what is left. Writes are
// appended; a last line that was torn by a crash is dropped.
type Journal struct {
	mu      sync.Mutex
	f       *os.File
	entries map[entryKey][]Result
}

// entryKey is what a result is for. References are part of it: a run against
// others does not find what it wants to know.
// Subject and First tell one build of the same derivations from another.
type entryKey struct {
	Drv, Builder, Vary, References, Subject, First string
}

type journalLine struct {
	Schema     string   `json:"schema,omitempty"`
	Drv        string   `json:"drv,omitempty"`
	Builder    string   `json:"builder,omitempty"`
	Vary       string   `json:"vary,omitempty"`
	References string   `json:"references,omitempty"`
	Subject    string   `json:"subject,omitempty"`
	First      string   `json:"first,omitempty"`
	Results    []Result `json:"results,omitempty"`
}

// ErrInUse says that another process is writing to the journal.
var ErrInUse = errors.New("journal is in use")

// OpenJournal opens or creates a journal and reads what is in it.
func OpenJournal(name string) (*Journal, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j := &Journal{f: f, entries: map[entryKey][]Result{}}
	if err := j.load(name); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

func (j *Journal) load(name string) error {
	if err := syscall.Flock(int(j.f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("opening the journal %q: %w", name, ErrInUse)
		}
		return fmt.Errorf("locking the journal: %w", err)
	}
	b, err := io.ReadAll(j.f)
	if err != nil {
		return fmt.Errorf("reading the journal: %w", err)
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	n := 0
	for line := range bytes.Lines(b[:whole]) {
		n++
		var l journalLine
		if err := json.Unmarshal(line, &l); err != nil {
			return fmt.Errorf("reading the journal %q: line %d: %w", name, n, err)
		}
		if n == 1 && l.Schema != journalSchema {
			return fmt.Errorf("reading the journal %q: expected schema %q on its first line, not %q", name, journalSchema, l.Schema)
		}
		if l.Drv != "" {
			j.entries[entryKey{l.Drv, l.Builder, l.Vary, l.References, l.Subject, l.First}] = l.Results
		}
	}
	if n == 0 && len(b) > 0 && !bytes.HasPrefix([]byte(`{"schema":"`+journalSchema), b[:min(len(b), 12)]) {
		// Not a line of ours that was torn: somebody's file.
		return fmt.Errorf("reading the journal %q: expected schema %q on its first line", name, journalSchema)
	}
	if err := j.f.Truncate(int64(whole)); err != nil {
		return fmt.Errorf("dropping the journal's torn last line: %w", err)
	}
	if _, err := j.f.Seek(int64(whole), io.SeekStart); err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	if n == 0 {
		return j.write(journalLine{Schema: journalSchema})
	}
	return nil
}

// done returns the results of an earlier run, unless one of them is worth
// another try.
func (j *Journal) done(k entryKey) ([]Result, bool) {
	if j == nil {
		return nil, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	rs, ok := j.entries[k]
	if !ok || slices.ContainsFunc(rs, func(r Result) bool { return r.Transient || r.Refused }) {
		return nil, false
	}
	return rs, true
}

// add keeps results. They are on disk when it returns.
func (j *Journal) add(k entryKey, rs []Result) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries[k] = rs
	return j.write(journalLine{
		Drv: k.Drv, Builder: k.Builder, Vary: k.Vary, References: k.References, Subject: k.Subject, First: k.First, Results: rs,
	})
}

func (j *Journal) write(l journalLine) error {
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	// One write, so that what is torn is always the end.
	if _, err := j.f.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }
