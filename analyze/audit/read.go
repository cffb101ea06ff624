package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// Errors that a caller may want to tell apart; they come wrapped in an
// [*Error] that says where.
var (
	// ErrTruncated is a file that ends before the audit does.
	ErrTruncated = errors.New("truncated audit")
	// ErrNewer is an audit of a schema version that this package is too old
	// to read.
	ErrNewer = errors.New("written by a newer fromsource")
	// ErrNotAudit is a file that is no audit at all.
	ErrNotAudit = errors.New("not an audit file")
)

// Error is a fault in an audit file, with its place.
type Error struct {
	// File is empty where the audit was not read from a named file.
	File string
	// Offset is in bytes from 0, Line from 1; Line 0 means no place in
	// particular.
	Offset int64
	Line   int
	Err    error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("reading audit")
	if e.File != "" {
		fmt.Fprintf(&b, " %q", e.File)
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, ": line %d, byte %d", e.Line, e.Offset)
	}
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap gives what went wrong, without its place.
func (e *Error) Unwrap() error { return e.Err }

// Read reads and validates one audit. Keys that it does not know are ignored:
// a version of the schema may grow. Every error is an [*Error]; on one the
// audit is nil.
func Read(r io.Reader) (*Audit, error) {
	lines := &lineIndex{r: bufio.NewReaderSize(r, 1<<16)}
	p := parser{dec: json.NewDecoder(lines), a: new(Audit)}
	err := p.parse()
	if lines.n == 0 && errors.Is(err, ErrTruncated) {
		err = fmt.Errorf("%w: it is empty", ErrNotAudit)
	}
	if err == nil {
		p.a = normalized(p.a)
		err = p.a.validate(func(row int) { p.at = p.rowAt[row] })
	}
	if err != nil {
		e := &Error{Offset: p.at, Err: err}
		if p.at >= 0 {
			e.Line = lines.line(p.at)
		}
		return nil, e
	}
	return p.a, nil
}

// FileName is what an audit is called in a folder of results.
const FileName = "audit.json"

// ReadFile is [Read] of a file, or of the audit in a folder of results, with the
// file's name in its errors.
func ReadFile(name string) (*Audit, error) {
	if st, err := os.Stat(name); err == nil && st.IsDir() {
		name = filepath.Join(name, FileName)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading audit: %w", err)
	}
	defer f.Close()
	a, err := Read(f)
	var e *Error
	if errors.As(err, &e) {
		e.File = name
	}
	return a, err
}

// parser reads the top level token by token, so that rows are decoded one at
// a time and each has its place in the file.
type parser struct {
	dec   *json.Decoder
	a     *Audit
	at    int64 // where the thing at fault starts; -1 for none
	rowAt []int64
}

func (p *parser) parse() error {
	t, err := p.token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("%w: want an object", ErrNotAudit)
	}
	known := map[string]int{}
	for _, f := range fields() {
		known[f.name] = f.index
	}
	seen := map[string]bool{}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if seen[key] {
			return fmt.Errorf("key %q comes twice", key)
		}
		seen[key] = true
		if err := p.value(key, known); err != nil {
			return err
		}
	}
	if _, err := p.token(); err != nil { // the closing brace
		return err
	}
	if !seen["schema"] {
		p.at = -1
		return fmt.Errorf("%w: it has no key %q", ErrNotAudit, "schema")
	}
	for _, k := range []string{"target", "summary", "derivations"} {
		if !seen[k] {
			p.at = -1
			return fmt.Errorf("key %q is missing", k)
		}
	}
	if t, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		p.at = p.dec.InputOffset()
		if err != nil {
			return fmt.Errorf("after the audit: %w", err)
		}
		return fmt.Errorf("after the audit: unexpected %v", t)
	}
	p.at = -1
	return nil
}

func (p *parser) value(key string, known map[string]int) error {
	if key == "derivations" {
		return p.rows()
	}
	i, ok := known[key]
	if !ok {
		var skip json.RawMessage
		return p.decode(&skip)
	}
	if err := p.decode(reflect.ValueOf(p.a).Elem().Field(i).Addr().Interface()); err != nil {
		return err
	}
	if key == "schema" {
		// Checked as soon as it is seen: the rest of a newer file may not
		// even decode.
		return checkSchema(p.a.Schema)
	}
	return nil
}

func (p *parser) rows() error {
	t, err := p.token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return fmt.Errorf("key %q: want a list", "derivations")
	}
	for p.dec.More() {
		var d Derivation
		if err := p.decode(&d); err != nil {
			return fmt.Errorf("derivation %d: %w", len(p.a.Derivations), err)
		}
		p.rowAt = append(p.rowAt, p.at)
		p.a.Derivations = append(p.a.Derivations, d)
	}
	_, err = p.token()
	return err
}

func (p *parser) token() (json.Token, error) {
	t, err := p.dec.Token()
	p.at = p.dec.InputOffset()
	return t, p.explain(err)
}

func (p *parser) decode(v any) error {
	err := p.dec.Decode(v)
	p.at = p.dec.InputOffset() // the value's end: on the same line as we write it
	return p.explain(err)
}

// explain turns the decoder's errors into ours and finds their place.
func (p *parser) explain(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ends in the middle", ErrTruncated)
	case errors.As(err, &syntax):
		p.at = syntax.Offset
		return fmt.Errorf("not JSON: %w", err)
	case errors.As(err, &typ):
		return fmt.Errorf("key %q is a %s, want %s", typ.Field, typ.Value, typ.Type)
	}
	return err
}

// checkSchema accepts the schema of this package and tells a newer version
// from something else.
func checkSchema(s string) error {
	if s == Schema {
		return nil
	}
	const prefix = "fromsource/audit/v"
	v, ok := strings.CutPrefix(s, prefix)
	n, err := strconv.Atoi(v)
	if !ok || err != nil || n < 1 {
		return fmt.Errorf("%w: schema is %q, want %q", ErrNotAudit, s, Schema)
	}
	return fmt.Errorf("%w: schema is %q, this one reads %q", ErrNewer, s, Schema)
}

// lineIndex notes where lines start as bytes pass through it.
type lineIndex struct {
	r      io.Reader
	n      int64
	starts []int64
}

func (l *lineIndex) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.starts = append(l.starts, l.n+int64(i)+1)
		}
	}
	l.n += int64(n)
	return n, err
}

// line is the number, from 1, of the line that holds the byte at off.
func (l *lineIndex) line(off int64) int {
	return 1 + sort.Search(len(l.starts), func(i int) bool { return l.starts[i] > off })
}
