package analyze

import (
	"regexp"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/closure"
)

// machines are the ELF machines, as content calls them, of the systems that Nix
// builds for.
var machines = map[string]string{
	"x86_64": "x86_64", "i686": "386", "aarch64": "aarch64", "armv6l": "arm", "armv7l": "arm",
	"riscv64": "riscv", "powerpc64le": "ppc64", "s390x": "s390", "loongarch64": "loongarch",
}

// olderThan are the machines of which another one's programs are executed too.
var olderThan = map[string]string{"x86_64": "386", "aarch64": "arm"}

// systemOf is the system for which the target is built, as its processor and
// its operating system: "x86_64", "linux". Both are empty where no root says.
func (s *state) systemOf() (cpu, os string) {
	for _, r := range s.g.Roots() {
		drv, err := s.g.Derivation(r)
		if err != nil {
			continue
		}
		if cpu, os, ok := strings.Cut(drv.System, "-"); ok {
			return cpu, os
		}
	}
	return "", ""
}

// alien reports whether no build of the closure can execute, load or link a
// file: it is code for another operating system or machine. That many packages
// hold: launchers and shaders for Windows, samples for a disassembler.
func (s *state) alien(f *content.File) bool {
	if s.os == "" {
		return false
	}
	family, _, _ := strings.Cut(f.Format, "-")
	switch family {
	case "elf":
		machine, _, _ := strings.Cut(f.Detail, ",")
		if f.Embedded { // "elf-shared (sparc) in base64 at byte 7"
			_, machine, _ = strings.Cut(f.Detail, "(")
			machine = machine[:max(0, strings.IndexAny(machine, ",)"))]
		}
		own, known := machines[s.cpu]
		return s.os == "darwin" || known && machine != "" && machine != own && machine != olderThan[own]
	case "macho":
		return s.os != "darwin"
	case "pe", "efi", "dos", "coff", "omf", "com32", "som", "xcoff", "dxbc":
		return s.os == "linux" || s.os == "darwin"
	}
	return false
}

// lively reports whether a build that has a compiled file at hand could execute
// it, load it or compile with it.
func (s *state) lively(f *content.File) bool {
	return f.Kind != audit.Firmware && !f.Embedded && !s.alien(f)
}

// findInterpreters notes of which formats of bytecode the closure has a program
// that executes it, or a build was seen to execute one.
func (s *state) findInterpreters() {
	s.interpreted = map[string]bool{}
	for format := range runners {
		for _, x := range s.execs {
			s.interpreted[format] = s.interpreted[format] || x.named(runners[format]) != ""
		}
		for _, it := range s.items {
			if s.interpreted[format] || it.walk == nil {
				continue
			}
			s.interpreted[format] = slices.ContainsFunc(it.walk.Members, func(f content.File) bool {
				return f.Kind == audit.NativeCode && !f.Embedded && named(f.Path, runners[format]) && !s.alien(&f)
			})
		}
	}
}

// startable reports the same as lively of a file that a package carries: there,
// bytecode of which nothing executes the format is as dead as a program for
// another system, and so is what lies among tests that are installed.
func (s *state) startable(f *content.File) bool {
	return s.lively(f) && !samples.MatchString(f.Path) && (f.Kind != audit.Bytecode || runners[f.Format] == nil || s.interpreted[f.Format])
}

// starts reports whether a program of a package could load or start a compiled
// file that the package carries, without leaving a record of that. A script can
// be there to do just this; a program can load a library, and bytecode only if
// it is an interpreter of that.
func (s *state) starts(it *item, rest string, f *content.File) bool {
	switch {
	case !s.startable(f):
		return false
	case it.member(rest) == nil:
		return true
	case f.Kind == audit.Bytecode && runners[f.Format] != nil:
		return named(rest, runners[f.Format])
	}
	return f.Format != "elf-executable" && !linkable(f.Format)
}

// runnable are the kinds of code that a build could execute of an item that is
// itself prebuilt, rather than an archive with some prebuilt member.
func (d *decider) runnable(it *item) []audit.Kind {
	if it.id != closure.None && !d.g.FixedOutput(it.id) {
		switch x := &d.out[it.id]; {
		case !prebuilt(x.verdict) || x.seedOnly && !x.made:
			return nil
		case x.made || x.vague:
			return executable(x.kinds)
		}
		return it.live
	}
	c := sum(it.walk)
	kinds, is := c.kinds, (&fetched{contents: c}).mainly()
	if it.id != closure.None {
		kinds, is = d.out[it.id].kinds, prebuilt(d.out[it.id].verdict)
	}
	if !is {
		return nil
	}
	if c.members == 0 {
		return executable(kinds)
	}
	var live []audit.Kind
	for i := range it.walk.Members {
		if f := &it.walk.Members[i]; d.lively(f) && slices.Contains(kinds, f.Kind) {
			live = addKinds(live, f.Kind)
		}
	}
	return live
}

// executable are the kinds that are executed.
func executable(kinds []audit.Kind) []audit.Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k audit.Kind) bool { return k == audit.Firmware })
}

// linkable are formats that a linker takes code from.
func linkable(format string) bool {
	switch format {
	case "elf-relocatable", "coff-object", "macho-object", "omf-object", "omf-library", "xcoff-object", "som-object", "llvm-bitcode", "go-object", "xo65-object", "o65", "asxxxx-object", "pascal-unit":
		return true
	}
	return false
}

// samples matches the paths of what is there to be tested with, or to be read:
// no build links objects from there into what it installs.
var samples = regexp.MustCompile(`(?i)(^|/)(t|tests?|testing|[a-z_ -]*tests|testdata|test[-_ ]?(data|suites?|cases?|files|input)|inputs|fixtures?|corpora|corpus|samples?|examples?|([a-z]+-)?fuzz(ing|ers?)?|regress(ion)?s?|benchmarks?)/`)

// machineOf is the processor of the system that a derivation is built on.
func (s *state) machineOf(id closure.ID) string {
	drv := s.derivation(id)
	if drv == nil {
		return ""
	}
	cpu, _, _ := strings.Cut(drv.System, "-")
	return machines[cpu]
}

// foreignTo reports whether an object is for another machine or system than the
// derivation's own, and than what it has made: its linker could make nothing of
// it.
func (d *decider) foreignTo(id closure.ID, f *content.File) bool {
	if f.Format != "elf-relocatable" {
		return d.alien(f) && !d.makes(id, f)
	}
	own := d.machineOf(id)
	machine, _, _ := strings.Cut(f.Detail, ",")
	return own != "" && machine != "" && machine != own && !d.makes(id, f)
}

// derivation reads a derivation again, and remembers the last one; nil where
// that fails, which is told elsewhere. It is not for several goroutines.
func (s *state) derivation(id closure.ID) *closure.Derivation {
	if !s.drvRead || s.drvOf != id {
		s.drv, _ = s.g.Derivation(id)
		s.drvOf, s.drvRead = id, true
	}
	return s.drv
}
