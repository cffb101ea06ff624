package content_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze/content"
)

// FuzzInspect: a walk of anything ends within its bounds, and says the same of
// a stream and of a file.
func FuzzInspect(f *testing.F) {
	f.Add([]byte("#!/bin/sh\necho words\n"))
	f.Add(tarOf(f, "a", []byte("x"), "b/c", bytes.Repeat([]byte("f0VMR+/"), 300)))
	f.Add(gz(f, tarOf(f, "a", []byte("\x7fELF"))))
	f.Add(append([]byte("#!/bin/sh\nexit\n\x00"), gz(f, []byte("payload"))...))
	f.Add(sevenZipOf([]byte("\x01\x05\xf0\xff\xff\xff\x0f\x00\x00")))
	f.Add(run(f, f.TempDir(), "sh", "-c", "echo words > a; 7z a -bd o.7z a > log; cat o.7z"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := content.Options{MaxBytes: 64 << 20, MaxDepth: 8, MaxEntries: 1000}
		files := 0
		o.Visit = func(file *content.File) {
			files++
			if file.Kind == "" != (file.Confidence == "") {
				t.Errorf("%+v", file)
			}
		}
		res, err := content.Inspect(context.Background(), "in", bytes.NewReader(b), o)
		if err != nil || res.Files != files {
			t.Errorf("%d files, %d visited, %v", res.Files, files, err)
		}
		o.Visit = nil
		again, err := content.Inspect(context.Background(), "in", bytes.NewBuffer(bytes.Clone(b)), o)
		if err != nil || again.Files != res.Files {
			t.Errorf("as a stream: %d files, want %d, %v", again.Files, res.Files, err)
		}
		if d := cmp.Diff(formats(res), formats(again)); d != "" {
			t.Errorf("as a stream: %s", d)
		}
	})
}
