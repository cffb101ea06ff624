package policy

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
)

// WriteList writes what to change, a line a package with file and line first,
// so that an editor can go there.
func (r *LabelReport) WriteList(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, part := range r.labelled() {
		for k := range part.list {
			it := &part.list[k]
			b.WriteString(itemLine(it, part.verb))
			if it.Unplaced != "" {
				b.WriteString("; not in the patch: " + oneLine(it.Unplaced))
			}
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(b, "# %d missing, %d wrong, %d superfluous, %d agreed; %d labelled but not judged, %d findings without a package, %d packages that did not evaluate\n",
		len(r.Missing), len(r.Wrong), len(r.Superfluous), len(r.Agreed), len(r.Unjudged), r.Unjoined, r.Failed)
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing labels: %w", err)
	}
	return nil
}

// itemLine says in a line what to change where, and on what evidence.
func itemLine(it *LabelItem, verb string) string {
	at := it.Attr
	if it.File != "" {
		at = placeOf(it.File, it.Line)
	}
	s := fmt.Sprintf("%s: %s %s  # %s", oneLine(cmp.Or(at, it.Drv)), verb, provenance(*it), oneLine(it.Package))
	if it.Suspected {
		s += ", suspected from text alone"
	}
	if it.Evidence != "" {
		s += ", " + oneLine(it.Evidence)
	}
	return s
}

// provenance is the attribute as nixpkgs writes it.
func provenance(it LabelItem) string {
	types := it.Want
	if len(types) == 0 {
		types = it.Have
	}
	return "sourceProvenance = with lib.sourceTypes; [ " + strings.Join(types, " ") + " ];"
}

// oneLine writes control characters and what is not UTF-8 as escapes, so that
// a string stays within its line of a text or comment.
func oneLine(s string) string {
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// WritePredicate writes a Nix expression with an allowNonSourcePredicate that
// allows what the audit found and no more, each entry with its evidence in a
// comment. It needs no lib.
func WritePredicate(w io.Writer, a *audit.Audit) error {
	set := finding.Of(a)
	types := map[string][]string{}
	notes := map[string][]string{}
	for _, i := range set.Findings {
		d := set.At(i)
		want := wantedTypes(d)
		if len(want) == 0 || d.FixedOutput {
			continue
		}
		name := packageName(d.Name)
		types[name] = append(types[name], want...)
		reach := map[audit.Reach]string{audit.ReachRuntime: "reaches the target", audit.ReachBuild: "needed to build only"}[d.Reach]
		notes[name] = append(notes[name], fmt.Sprintf("%s: %s; %s", oneLine(d.Name), cmp.Or(reach, "reach not known"), oneLine(evidenceLine(set, i))))
	}
	names := make([]string, 0, len(types))
	for n := range types {
		names = append(names, n)
	}
	slices.Sort(names)
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# What is not built from source in %s, as fromsource found it.\n# Import it into nixpkgs' config beside allowNonSource = false.\n", oneLine(a.Target.Name))
	b.WriteString("{\n  allowNonSourcePredicate =\n    let\n      known = {\n")
	for _, n := range names {
		slices.Sort(types[n])
		slices.Sort(notes[n])
		for _, note := range slices.Compact(notes[n]) {
			b.WriteString("        # " + note + "\n")
		}
		quoted := make([]string, 0, 3)
		for _, t := range slices.Compact(types[n]) {
			quoted = append(quoted, nixString(t))
		}
		fmt.Fprintf(b, "        %s = [ %s ];\n", nixString(n), strings.Join(quoted, " "))
	}
	b.WriteString(predicateEnd)
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing predicate: %w", err)
	}
	return nil
}

const predicateEnd = `      };
      short = t: if builtins.isAttrs t then t.shortName else t;
      isBinary = t: builtins.substring 0 6 (short t) == "binary";
    in
    pkg:
    let
      # nixpkgs may keep a word of the version apart that the name of a
      # derivation does not: "tool" of "tool-unstable-2026-05-20".
      whole = pkg.name or "${pkg.pname}-${toString (pkg.version or "")}";
      names = builtins.filter (n: builtins.hasAttr n known) [ (builtins.parseDrvName whole).name (pkg.pname or whole) ];
      binary = builtins.filter isBinary (pkg.meta.sourceProvenance or [ ]);
    in
    names != [ ] && builtins.all (t: builtins.elem (short t) known.${builtins.head names}) binary;
}
`

// nixString quotes for Nix: an interpolation, a quote and a backslash are
// escaped. Bytes that are not UTF-8 stay, as Nix takes any.
func nixString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", `\${`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", "").Replace(s) + `"`
}
