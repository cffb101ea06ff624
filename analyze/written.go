package analyze

import (
	"context"
	"fmt"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/closure"
)

const (
	// leastWritten is the length, in bytes, from which a value in a derivation
	// is looked into for an encoded program.
	leastWritten = 1 << 10
	// leastRun is the length, in bytes, from which letters and digits without
	// a word between them can't be text: they encode something.
	leastRun = 2 << 10
	// leastLine is the length of the lines into which that is broken.
	leastLine = 40
)

// beginnings are how compiled files begin once they are encoded: in base64, in
// hexadecimal digits, and in the escapes of shells and other languages. The
// smallest program in use has fewer than 200 bytes.
var beginnings = []struct {
	text   string
	kind   audit.Kind
	format string
}{
	{"f0VMR", audit.NativeCode, "elf in base64"},
	{"7f454c46", audit.NativeCode, "elf in hex"},
	{"7F454C46", audit.NativeCode, "elf in hex"},
	{`\x7fELF`, audit.NativeCode, "elf in an escaped string"},
	{`\x7f\x45\x4c\x46`, audit.NativeCode, "elf in an escaped string"},
	{`\177ELF`, audit.NativeCode, "elf in an escaped string"},
	{`\0177ELF`, audit.NativeCode, "elf in an escaped string"},
	{`\177\105\114\106`, audit.NativeCode, "elf in an escaped string"},
	{"AGFzb", audit.Bytecode, "wasm in base64"},
	{"0061736d", audit.Bytecode, "wasm in hex"},
	{"yv66v", audit.Bytecode, "java-class in base64"},
	{"cafebabe", audit.Bytecode, "java-class in hex"},
}

// written tells of programs that the derivation itself carries, encoded in its
// environment, its structured attributes or its arguments, where its outputs
// hold one that could be it.
func (d *decider) written(id closure.ID, doubt func(string, ...any)) {
	least := map[audit.Kind]*content.File{}
	at := map[audit.Kind]*item{}
	for _, it := range d.outputs[id] {
		for i := range it.walk.Members {
			f := &it.walk.Members[i]
			if !f.Embedded && (least[f.Kind] == nil || f.Size < least[f.Kind].Size) {
				least[f.Kind], at[f.Kind] = f, it
			}
		}
	}
	drv := d.derivation(id)
	if len(least) == 0 || drv == nil {
		return
	}
	// What is written in several values can be put together.
	all := int64(len(drv.Structured))
	for _, v := range drv.Env {
		all += int64(len(v.Value))
	}
	for _, a := range drv.Args {
		all += int64(len(a))
	}
	look := func(where, value string) bool {
		kind, format, packed := carriedBy(where, value)
		if format == "" {
			if kind, format = begins(value, least, all); format == "" {
				return false
			}
		}
		for _, k := range []audit.Kind{audit.NativeCode, audit.Bytecode, audit.Firmware} {
			f := least[k]
			switch {
			case f == nil || kind != "" && k != kind || strings.HasPrefix(format, "elf") && !packed && f.Size > all:
				continue
			case kind == "" && f.Size > mostUnpacked*all:
				continue
			}
			doubt("its %s could be what the derivation itself carries in %s (%s)", at[k].called(f.Path), where, format)
			return true
		}
		return false
	}
	for _, v := range drv.Env {
		if look("env."+v.Key, v.Value) {
			return
		}
	}
	if look("structured attributes", string(drv.Structured)) {
		return
	}
	for i, a := range drv.Args {
		if look(fmt.Sprintf("args[%d]", i), a) {
			return
		}
	}
}

// carriedBy is what a value of some length decodes to, and whether that is
// unpacked from something smaller.
func carriedBy(where, value string) (kind audit.Kind, format string, packed bool) {
	if len(value) < leastWritten {
		return "", "", false
	}
	r, err := content.Inspect(context.Background(), where, strings.NewReader(value), content.Options{})
	if err != nil || len(r.Members) == 0 {
		return "", "", false
	}
	f := &r.Members[0]
	for i := range r.Members {
		packed = packed || unfolds[r.Members[i].Format] || !r.Members[i].Embedded
	}
	return f.Kind, f.Format, packed
}

// begins looks for the beginning of something encoded, too short or too much cut
// to pieces to be decoded; and for a long run of what encodes nothing that is
// known, which can be of any kind.
func begins(value string, least map[audit.Kind]*content.File, all int64) (audit.Kind, string) {
	for _, b := range beginnings {
		if f := least[b.kind]; f != nil && f.Size <= all && strings.Contains(value, b.text) {
			return b.kind, b.format
		}
	}
	run, line := 0, 0
	for i := 0; i < len(value); i++ {
		line++
		switch c := value[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/', c == '=', c == '_':
			if run++; run == leastRun {
				return "", "a long run of encoded data"
			}
		case c == '\n' && line > leastLine: // encoded text is broken into lines
			line = 0
		default:
			run, line = 0, 0
		}
	}
	return "", ""
}
