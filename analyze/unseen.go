package analyze

import (
	"fmt"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/closure"
)

// Most source archives that hold something compiled are not what their build
// runs. unseen tells of those that could be: by a way that leaves no record of
// the file itself, and that the record or the derivation's text shows to have
// been open. What lies among tests is left out.

// unseen is such a member of an item, where a record tells what the build
// executed, and how it could have been used all the same.
func (d *decider) unseen(id closure.ID, it *item) (f *content.File, how string) {
	x := d.execs[id]
	if x == nil {
		return nil, ""
	}
	if f, by := d.interpreted(id, it); f != nil {
		return f, fmt.Sprintf("its build executed %s, which may have been given it", base(by))
	}
	if e := x.emulator(); e != "" {
		if f := notSample(it, func(f *content.File) bool {
			return f.Kind == audit.NativeCode && !linkable(f.Format) && !runtimes[f.Format]
		}); f != nil {
			return f, fmt.Sprintf("its build executed %s, which may have been given it", base(e))
		}
	}
	if u := d.unidentified(id); u != "" {
		if f := notSample(it, func(f *content.File) bool { return runtimes[f.Format] }); f != nil {
			return f, fmt.Sprintf("its build executed %s, which could be an interpreter of that", u)
		}
		if f := notSample(it, func(f *content.File) bool { return f.Format == "elf-executable" && d.ownMachine(id, f) }); f != nil {
			return f, fmt.Sprintf("its build executed %s, which may be a changed copy", u)
		}
	}
	library := notSample(it, func(f *content.File) bool { return f.Format == "elf-shared" && d.ownMachine(id, f) })
	if library == nil {
		return nil, ""
	}
	if l := x.named(hosts); l != "" {
		return library, fmt.Sprintf("its build executed %s, which may have loaded it", base(l))
	}
	if u := d.unidentified(id); u != "" {
		return library, fmt.Sprintf("its build executed %s, which may have loaded it", u)
	}
	if v := d.injects(id); v != "" {
		return library, fmt.Sprintf("its text sets %s, by which a program can load it unseen", v)
	}
	return nil, ""
}

// doubtMember doubts what is mostly source and holds something compiled.
func (d *decider) doubtMember(id closure.ID, it *item, what string, b *built, doubt func(string, ...any)) {
	name := closure.NameOf(it.path)
	if !b.recorded {
		if i := slices.IndexFunc(it.walk.Members, func(f content.File) bool { return f.Kind == audit.Bytecode && !f.Embedded }); i >= 0 {
			b.weak = append(b.weak, fmt.Sprintf("its %s %s holds bytecode (%s), and what its build executed is not on record", what, name, it.walk.Members[i].Path))
		}
		return
	}
	if f, how := d.unseen(id, it); f != nil {
		doubt("its %s %s holds %s (%s), and %s", what, name, called(f), f.Path, how)
		return
	}
	f, with := d.givenTo(id, it)
	if f != nil && f.Format == "elf-shared" && d.execs[id].interpreter() == "" {
		f = d.programFor(id, it) // a library of a source archive's tests is not worth the doubt
	}
	if f != nil {
		b.weak = append(b.weak, fmt.Sprintf("its %s %s holds a program (%s): had %s been given it, that would not be on record", what, name, f.Path, base(with)))
	}
}

// loose is a member that the machine which built a derivation can execute or
// load, or that what a build compiles could interpret.
func (d *decider) loose(id closure.ID, it *item) *content.File {
	return notSample(it, func(f *content.File) bool {
		return runtimes[f.Format] || (f.Format == "elf-executable" || f.Format == "elf-shared") && d.ownMachine(id, f)
	})
}

// looseFor is the same for whatever is built on the target's machine.
func (d *decider) looseFor(it *item) *content.File {
	own := machines[d.cpu]
	return notSample(it, func(f *content.File) bool {
		machine, _, _ := strings.Cut(f.Detail, ",")
		return runtimes[f.Format] || (f.Format == "elf-executable" || f.Format == "elf-shared") && (own == "" || machine == own || machine == olderThan[own])
	})
}

// called says what a compiled file is to who could use it.
func called(f *content.File) string {
	switch {
	case linkable(f.Format):
		return "prebuilt objects"
	case f.Format == "elf-shared":
		return "a library"
	case f.Kind == audit.Bytecode:
		return "bytecode"
	case runtimes[f.Format]:
		return "code for an interpreter"
	}
	return "a program"
}

// notSample is the first member of an item that is wanted and does not lie among
// tests.
func notSample(it *item, want func(*content.File) bool) *content.File {
	i := slices.IndexFunc(it.walk.Members, func(f content.File) bool {
		return !f.Embedded && want(&f) && !samples.MatchString(f.Path)
	})
	if i < 0 {
		return nil
	}
	return &it.walk.Members[i]
}

// ownMachine reports whether an ELF file is for the processor of the system that
// a derivation is built on, or for an older one that it executes as well.
func (s *state) ownMachine(id closure.ID, f *content.File) bool {
	cpu := s.machineOf(id)
	machine, _, _ := strings.Cut(f.Detail, ",")
	return cpu == "" || machine == "" || machine == cpu || machine == olderThan[cpu]
}
