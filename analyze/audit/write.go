package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Write writes an audit as JSON: every top-level key on a line of its own and
// every derivation and skip on one line, so that two audits can be compared
// with line tools. The same audit gives the same bytes. It does not validate:
// see [Audit.Validate].
//
// JSON holds text: bytes that are not UTF-8 are written as U+FFFD.
func Write(w io.Writer, a *Audit) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	v := reflect.ValueOf(normalized(a)).Elem()
	sep := "{\n"
	for _, f := range fields() {
		fv := v.Field(f.index)
		if f.omitEmpty && isEmpty(fv) {
			continue
		}
		fmt.Fprintf(bw, "%s%q: ", sep, f.name)
		sep = ",\n"
		if err := writeValue(bw, fv); err != nil {
			return fmt.Errorf("writing audit key %q: %w", f.name, err)
		}
	}
	bw.WriteString("\n}\n")
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("writing audit: %w", err)
	}
	return nil
}

// writeValue writes one top-level value; lists of objects get a line an
// element.
func writeValue(w *bufio.Writer, v reflect.Value) error {
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.Struct || v.Len() == 0 {
		return writeCompact(w, v.Interface())
	}
	sep := "[\n"
	for i := range v.Len() {
		w.WriteString(sep)
		sep = ",\n"
		if err := writeCompact(w, v.Index(i).Addr().Interface()); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	_, err := w.WriteString("\n]")
	return err
}

func writeCompact(w *bufio.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return err
}

// WriteFile writes an audit to a file that appears only when it is complete:
// it is written beside its place, flushed to disk and renamed. On an error
// nothing stays behind and what was there before is untouched.
func WriteFile(name string, a *Audit) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("creating audit file: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := Write(f, a); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return fmt.Errorf("writing audit file: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("writing audit file: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing audit file: %w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("putting audit file in place: %w", err)
	}
	return nil
}

// field is one top-level key of the audit file.
type field struct {
	name      string
	index     int
	omitEmpty bool
}

// fields lists the top-level keys in the order of the struct, so that a key
// added to Audit is written and read without a change here.
func fields() []field {
	t := reflect.TypeFor[Audit]()
	out := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out = append(out, field{name: name, index: i, omitEmpty: opts == "omitempty"})
	}
	return out
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

// normalized is a shallow copy whose lists are empty rather than nil, as the
// format promises.
func normalized(a *Audit) *Audit {
	c := *a
	if c.Schema == "" {
		c.Schema = Schema
	}
	notNil(&c.Target.Roots)
	c.Derivations = append(make([]Derivation, 0, len(a.Derivations)), a.Derivations...)
	notNil(&c.Skipped)
	c.Promises = append([]Promise(nil), a.Promises...)
	for i := range c.Promises {
		notNil(&c.Promises[i].Broken)
	}
	if c.Summary.Verdicts == nil {
		c.Summary.Verdicts = map[Verdict]int{}
	}
	for i := range c.Derivations {
		d := &c.Derivations[i]
		notNil(&d.Kinds)
		notNil(&d.URLs)
		notNil(&d.Evidence)
		notNil(&d.Rebuild)
		notNil(&d.Outputs)
		notNil(&d.Inputs)
		if d.Meta != nil && d.Meta.SourceProvenance == nil {
			m := *d.Meta
			m.SourceProvenance = []string{}
			d.Meta = &m
		}
	}
	return &c
}

func notNil[T any](s *[]T) {
	if *s == nil {
		*s = []T{}
	}
}
