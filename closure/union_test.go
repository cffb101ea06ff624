package closure

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestUnionReadsEveryInput(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	text := func(out, input string) string {
		if input != "" {
			input = `("` + input + `",["out"])`
		}
		return `Derive([("out","/nix/store/` + out + `","","")],[` + input + `],[],"x86_64-linux","/bin/sh",[],[("out","/nix/store/` + out + `")])`
	}
	const (
		a = "00000000000000000000000000000000-a"
		b = "11111111111111111111111111111111-b"
		c = "22222222222222222222222222222222-c"
	)
	write := func(dir, name, data string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name+".drv"), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// b, in the first input, needs a, which only the second has.
	write(dirs[0], b, text(b, "/nix/store/"+a+".drv"))
	write(dirs[1], a, text(a, ""))
	write(dirs[1], c, text(c, ""))

	g, err := Load(context.Background(), UnionInput(DirInput(dirs[0]), DrvInput(filepath.Join(dirs[1], c+".drv"), "")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if g.Len() != 3 {
		t.Errorf("%d derivations, want 3", g.Len())
	}
	for i := range g.Len() {
		if g.Missing(ID(i)) {
			t.Errorf("%s is missing", g.Path(ID(i)))
		}
	}
	if id, ok := g.Lookup("/nix/store/" + c + ".drv"); !ok || g.Name(id) != "c" {
		t.Errorf("c is not in the union")
	}
	if _, err := Load(context.Background(), UnionInput(), Options{}); err == nil {
		t.Error("a union of nothing was loaded")
	}
}
