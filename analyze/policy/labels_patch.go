package policy

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"fromsource/analyze/policy/nixtext"
)

// LabelPatch is the change of a checkout that makes its labels say what was
// found. What cannot be placed for sure stays with a person, with the reason.
type LabelPatch struct {
	Files []PatchedFile
	// Placed and Unplaced count packages.
	Placed, Unplaced int
	// NoTypes: the checkout has a lib, and that has no sourceTypes yet, so that
	// it would not evaluate with the labels.
	NoTypes bool

	unplaced []string // a line each
}

// PatchedFile is one file of the checkout before and after.
type PatchedFile struct {
	Name     string // relative to the checkout, with slashes
	Old, New []byte
	Notes    []string // a line each: what was changed, and on what evidence

	changes []change
}

// labelled are the lists of a report that ask for a change, each with its
// word.
func (r *LabelReport) labelled() []struct {
	verb string
	list []LabelItem
} {
	return []struct {
		verb string
		list []LabelItem
	}{{"add", r.Missing}, {"change to", r.Wrong}, {"remove", r.Superfluous}}
}

// Patch makes the change for a checkout. dir is its path, by which positions
// of an evaluation are found in it. labels are those that the report was made
// with. The report's items are told why they were not placed.
func (r *LabelReport) Patch(labels *Labels, checkout fs.FS, dir string) *LabelPatch {
	p := patcher{checkout: checkout, dir: dir, at: map[string][]Label{}, files: map[string]*patchFile{}}
	for _, l := range labels.List {
		p.at[placeOf(l.File, l.Line)] = append(p.at[placeOf(l.File, l.Line)], l)
	}
	p.judged(r)
	out := &LabelPatch{NoTypes: lacksTypes(checkout)}
	for _, part := range r.labelled() {
		for k := range part.list {
			it := &part.list[k]
			if err := p.edit(it); err != nil {
				it.Unplaced = err.Error()
				out.Unplaced++
				out.unplaced = append(out.unplaced, itemLine(it, part.verb)+"; not placed: "+oneLine(it.Unplaced))
				continue
			}
			out.Placed++
			f := p.files[it.File]
			f.notes = append(f.notes, itemLine(it, part.verb))
		}
	}
	names := make([]string, 0, len(p.files))
	for name := range p.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f := p.files[name]
		if f.expr == nil || len(f.edits) == 0 {
			continue
		}
		changes := changesOf(f.data, f.edits)
		slices.Sort(f.notes)
		out.Files = append(out.Files, PatchedFile{Name: name, Old: f.data, New: applied(f.data, changes), Notes: f.notes, changes: changes})
	}
	return out
}

// lacksTypes reports a nixpkgs from before lib.sourceTypes, which is of 2022.
func lacksTypes(checkout fs.FS) bool {
	lib, err := fs.ReadFile(checkout, "lib/default.nix")
	return err == nil && !bytes.Contains(lib, []byte("sourceTypes"))
}

type patcher struct {
	checkout fs.FS
	dir      string
	at       map[string][]Label // labels by their place
	known    map[string]string  // derivation or name to what it should say
	files    map[string]*patchFile
}

type patchFile struct {
	data  []byte
	expr  *nixtext.Expr
	err   error
	edits []nixtext.Edit
	notes []string
}

func placeOf(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }

// judged notes what every package that was compared should say.
func (p *patcher) judged(r *LabelReport) {
	p.known = map[string]string{}
	for _, list := range [][]LabelItem{r.Missing, r.Wrong, r.Superfluous, r.Agreed} {
		for _, it := range list {
			p.known[it.Drv] = strings.Join(it.Want, " ")
		}
	}
}

// edit makes the edit of one item, and its file relative to the checkout.
func (p *patcher) edit(it *LabelItem) error {
	switch {
	case it.unsure != "":
		return errors.New(it.unsure)
	case it.Suspected && len(it.Have) > 0:
		return errors.New("text alone does not show which kind it is: audit its contents")
	case it.File == "" || it.Line < 1:
		return errors.New("its evaluation gave no position")
	}
	same := p.at[placeOf(it.File, it.Line)]
	name, err := p.inCheckout(it.File)
	if err != nil {
		return err
	}
	it.File = name
	want := strings.Join(it.Want, " ")
	for _, l := range same {
		if l.Drv == "" || l.Drv == it.Drv {
			continue
		}
		if have, ok := p.known[l.Drv]; !ok || have != want {
			return fmt.Errorf("the same lines are about %q, which was not found to need this label", cmp.Or(l.Attr, l.Name, l.Drv))
		}
	}
	f := p.file(name)
	if f.err != nil {
		return f.err
	}
	e, err := f.expr.Relabel(it.Line, it.Have, it.Want)
	if err != nil {
		return err
	}
	if slices.Contains(f.edits, e) {
		return nil // another package of the same lines
	}
	if slices.ContainsFunc(f.edits, func(o nixtext.Edit) bool { return e.Pos <= o.End && o.Pos <= e.End }) {
		return errors.New("another change is made in the same place")
	}
	f.edits = append(f.edits, e)
	return nil
}

// storePath is what Nix calls the copy of a checkout that it has made.
var storePath = regexp.MustCompile(`^/nix/store/[0-9a-z]{32}-[^/]+/`)

// inCheckout finds the file of a position: below the checkout, or below the
// copy of it in the store that a pure evaluation makes.
func (p *patcher) inCheckout(file string) (string, error) {
	name := file
	if filepath.IsAbs(file) {
		rel, err := filepath.Rel(p.dir, file)
		switch copied := storePath.FindString(file); {
		case err == nil && filepath.IsLocal(rel):
			name = filepath.ToSlash(rel)
		case copied != "":
			name = strings.TrimPrefix(file, copied)
		default:
			return "", errors.New("its file is outside of the checkout")
		}
	}
	name = path.Clean(name)
	// Git and patch follow no links, and quote other characters their own ways.
	if strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '\\' }) {
		return "", errors.New("the name of its file does not fit a patch")
	}
	for part := name; part != "."; part = path.Dir(part) {
		st, err := fs.Lstat(p.checkout, part)
		if err != nil {
			return "", errors.New("its file is not in the checkout")
		}
		if st.Mode()&fs.ModeSymlink != 0 || part == name && !st.Mode().IsRegular() {
			return "", errors.New("its file is behind a link")
		}
	}
	return name, nil
}

// file reads a file of the checkout once.
func (p *patcher) file(name string) *patchFile {
	f, ok := p.files[name]
	if !ok {
		f = &patchFile{}
		p.files[name] = f
		if f.data, f.err = readFile(p.checkout, name); f.err == nil {
			f.expr, f.err = nixtext.Parse(f.data)
		}
	}
	return f
}

// Write writes the patch for "git apply" or "patch -p1". What comes before
// the first file, and between files, is comment to both.
func (p *LabelPatch) Write(w io.Writer, target string) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Labels as fromsource found them in %s: %s labelled here, %d left to you.\n",
		oneLine(target), count(p.Placed, "package", "packages"), p.Unplaced)
	if p.NoTypes {
		b.WriteString("# The lib of this checkout has no sourceTypes yet: take lib/source-types.nix of a newer nixpkgs first.\n")
	}
	for _, line := range p.unplaced {
		b.WriteString("# " + line + "\n")
	}
	for _, f := range p.Files {
		b.WriteString("#\n")
		for _, n := range f.Notes {
			b.WriteString("# " + n + "\n")
		}
		writeUnified(b, f.Name, f.Old, f.changes)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing the patch: %w", err)
	}
	return nil
}
