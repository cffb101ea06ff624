package rebuild

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild/compare"
	"fromsource/analyze/rebuild/reference"
)

// fetchedNote is said of every fetch that gave the same bytes again.
const fetchedNote = "fetched anew: this proves only that the URL still serves the same bytes"

// judge compares what a builder made of a job with all that is on record.
func (r *run) judge(ctx context.Context, by string, j *Job, b Built) ([]Result, error) {
	var all []Result
	for i := range b.Outputs {
		o := &b.Outputs[i]
		rs, err := r.judgeOutput(ctx, by, j, o)
		if err != nil {
			return nil, err
		}
		for k := range rs {
			rs[k].Drv, rs[k].Path, rs[k].By, rs[k].Output = j.Drv, o.Path, by, o.Name
			rs[k].Reason = reasons(rs[k].Reason, b.Note)
		}
		all = append(all, rs...)
	}
	return all, nil
}

func (r *run) judgeOutput(ctx context.Context, by string, j *Job, o *BuiltOutput) ([]Result, error) {
	if o.Flat != nil {
		return []Result{{Rebuild: audit.Rebuild{
			Expected: o.Flat.Specified, Got: o.Flat.Got, Result: audit.Differs, Against: "declared hash",
			Reason: "fetched anew: the URL no longer serves the declared bytes",
		}}}, nil
	}
	if o.NarHash == "" && o.Unlike {
		return []Result{{Rebuild: audit.Rebuild{Expected: o.First.NarHash, Result: audit.Differs, Against: firstBuild, Reason: o.Note}}}, nil
	}
	if o.NarHash == "" {
		return []Result{{Rebuild: audit.Rebuild{Expected: o.First.NarHash, Result: audit.NotAttempted, Against: firstBuild, Reason: o.Note}}}, nil
	}
	first := firstOf(j, o)
	row, err := r.against(ctx, by, o, expected{
		name: firstBuild, hash: first.NarHash, open: first.Open, missing: "the first build is not on record",
	})
	if err != nil {
		return nil, err
	}
	if own := o.First.NarHash; own != "" && own != first.NarHash {
		row.Reason = reasons(row.Reason, fmt.Sprintf("the builder's store had %s as the first build", own))
	}
	if j.FixedOutput() && row.Result == audit.Reproduced {
		row.Reason = reasons(fetchedNote, row.Reason)
	}
	rows := []Result{row}
	for _, src := range r.o.References {
		more, err := r.ask(ctx, by, src, j, o, first)
		if err != nil {
			return nil, err
		}
		for i := range more {
			// One explanation is enough where two witnesses have the same.
			if more[i].Expected == row.Expected && row.Result == audit.Differs {
				more[i].Differences, more[i].Stabilised = row.Differences, row.Stabilised
			}
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// firstOf prefers the caller's record of the first build to the builder's.
func firstOf(j *Job, o *BuiltOutput) First {
	i := slices.IndexFunc(j.First, func(f First) bool { return f.Output == o.Name && f.NarHash != "" })
	if i < 0 {
		return o.First
	}
	f := j.First[i]
	if f.Open == nil && f.NarHash == o.First.NarHash {
		f.Open = o.First.Open
	}
	return f
}

// expected is one thing to compare with.
type expected struct {
	name, hash string
	note       string
	missing    string // said where hash is empty
	open       Opener
}

// against compares a rebuilt output with one record. The error is about this
// process (interrupted); trouble with bytes is in the result.
func (r *run) against(ctx context.Context, by string, o *BuiltOutput, e expected) (Result, error) {
	res := Result{Rebuild: audit.Rebuild{Expected: e.hash, Got: o.NarHash, Against: e.name}}
	switch {
	case e.hash == "":
		res.Result = audit.NoReference
		res.Reason = reasons(e.missing, o.Note)
		return res, nil
	case e.hash == o.NarHash:
		res.Result = audit.Reproduced
		res.Reason = reasons(o.Note, e.note)
		return res, nil
	}
	res.Result = audit.Differs
	where := "where they differ is not known: the bytes are not at hand"
	if e.open != nil && o.Open != nil {
		d, err := compare.NARs(ctx, compare.Opener(e.open), compare.Opener(o.Open), r.o.Compare)
		switch {
		case ctx.Err() != nil:
			return Result{}, ctx.Err()
		case err != nil:
			where = "where they differ is not known: " + err.Error()
		case d.HashA != e.hash || d.HashB != o.NarHash:
			where = "where they differ is not known: the bytes at hand are not those on record"
		default:
			res.Differences, res.Stabilised = d.Rows(), d.Stabilised()
			where = summary(d)
			if r.o.Diffoscope != nil {
				if res.Diffoscope, err = r.o.Diffoscope.run(ctx, by, o, e); ctx.Err() != nil {
					return Result{}, ctx.Err()
				} else if err != nil {
					where = reasons(where, "no diffoscope: "+err.Error())
				}
			}
		}
	}
	res.Reason = reasons(where, o.Note, e.note)
	return res, nil
}

// summary is the difference in one line.
func summary(d *compare.Result) string {
	if d.Count == 0 {
		return ""
	}
	first := d.Differences[0]
	s := fmt.Sprintf("%s in %q", first.What, first.Path)
	if first.Path == "" {
		s = first.What
	}
	if d.Count > 1 {
		s += fmt.Sprintf(" and %d more", d.Count-1)
	}
	if d.Stabilised() {
		s += "; equal but for metadata of containers, which is not reproducibility"
	}
	return s
}

// ask compares an output with what one source has on record of it.
func (r *run) ask(ctx context.Context, by string, src reference.Source, j *Job, o *BuiltOutput, first First) ([]Result, error) {
	none := func(reason string, transient bool) []Result {
		return []Result{{Transient: transient, Rebuild: audit.Rebuild{
			Got: o.NarHash, Result: audit.NoReference, Against: src.Name(), Reason: reason,
		}}}
	}
	p := o.Path
	if first.Path != "" {
		p = first.Path
	}
	records, err := src.Lookup(ctx, reference.Query{Drv: j.Drv, Output: o.Name, Path: p})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, reference.ErrNone):
		return none("nothing on record", false), nil
	case err != nil:
		return none("could not be asked: "+err.Error(), true), nil
	}
	var rows []Result
	for _, rec := range records {
		if rec.Files != nil {
			more, err := files(ctx, o, rec)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
			continue
		}
		if rec.Problem != "" {
			row := none(rec.Problem, false)[0]
			row.Expected, row.Refused = rec.NarHash, true
			rows = append(rows, row)
			continue
		}
		e := expected{name: rec.Against, hash: rec.NarHash, note: rec.Note, missing: "nothing on record", open: Opener(rec.Open)}
		if rec.NarHash == first.NarHash {
			e.open = nil // explained by the first build's row
		}
		row, err := r.against(ctx, by, o, e)
		if err != nil {
			return nil, err
		}
		if e.open == nil && row.Result == audit.Differs && rec.NarHash == first.NarHash {
			row.Reason = reasons("it has the first build's hash", rec.Note)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// files compares the files of an output with a list of their hashes. An
// output that has none of them gets no row.
func files(ctx context.Context, o *BuiltOutput, rec reference.Record) ([]Result, error) {
	if o.Open == nil {
		return nil, nil
	}
	// A NAR that is itself a file has the name of its store path.
	name := func(at string) string {
		if at != "" {
			return path.Base(at)
		}
		_, rest, _ := strings.Cut(path.Base(o.Path), "-")
		return rest
	}
	sums, err := compare.Files(ctx, compare.Opener(o.Open), func(at string) bool { _, ok := rec.Files[name(at)]; return ok })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return []Result{{Transient: true, Rebuild: audit.Rebuild{
			Got: o.NarHash, Result: audit.NoReference, Against: rec.Against, Reason: "the rebuilt files can't be read: " + err.Error(),
		}}}, nil
	}
	var rows []Result
	for _, s := range sums {
		row := Result{Rebuild: audit.Rebuild{
			Expected: rec.Files[name(s.Path)], Got: s.Sum, Result: audit.Differs, Against: rec.Against,
			Reason: reasons(fmt.Sprintf("sha256 of the file %q", name(s.Path)), rec.Note),
		}}
		if row.Expected == row.Got {
			row.Result = audit.Reproduced
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// reasons joins what there is to say.
func reasons(parts ...string) string {
	parts = slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return s == "" })
	return clean(strings.Join(parts, "; "))
}
