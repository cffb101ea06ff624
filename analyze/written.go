package analyze

import (
	"context"
	"fmt"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/closure"
)

// leastWritten is the length, in bytes, from which a value in a derivation is
// looked at: no program is encoded in less.
const leastWritten = 1 << 10

// written tells of programs that the derivation itself carries, encoded in its
// environment or arguments, where its outputs hold one that could be it.
func (d *decider) written(id closure.ID, doubt func(string, ...any)) {
	var least *content.File
	var at *item
	for _, it := range d.outputs[id] {
		for i := range it.walk.Members {
			f := &it.walk.Members[i]
			if f.Kind == audit.NativeCode && !f.Embedded && (least == nil || f.Size < least.Size) {
				least, at = f, it
			}
		}
	}
	if least == nil {
		return
	}
	drv, err := d.g.Derivation(id)
	if err != nil {
		return // that it can't be read is told elsewhere
	}
	look := func(where, value string) bool {
		if len(value) < leastWritten {
			return false
		}
		r, err := content.Inspect(context.Background(), where, strings.NewReader(value), content.Options{})
		if err != nil || len(r.Members) == 0 {
			return false
		}
		f := &r.Members[0]
		if strings.HasPrefix(f.Format, "elf-") && least.Size > int64(len(value)) {
			return false
		}
		doubt("%s could be what the derivation itself carries in %s (%s)", at.inside(least.Path), where, f.Format)
		return true
	}
	for _, v := range drv.Env {
		if look("env."+v.Key, v.Value) {
			return
		}
	}
	for i, a := range drv.Args {
		if look(fmt.Sprintf("args[%d]", i), a) {
			return
		}
	}
}
