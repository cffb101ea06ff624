package tmpfile

import (
	"os"
	"testing"
)

func TestUnnamed(t *testing.T) {
	for name, make := range map[string]func(string) (*os.File, error){"unnamed": Unnamed, "removed": removed} {
		dir := t.TempDir()
		f, err := make(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("x"), 1<<20); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 0 {
			t.Errorf("%s: %v, %v", name, left, err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := make(dir + "/nowhere"); err == nil {
			t.Errorf("%s: no error for a directory that is not there", name)
		}
	}
}
