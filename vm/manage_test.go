package vm

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fromsource/vm/recipe"
	"fromsource/vm/wire"
)

// What vm show prints is a script that boots the same guest: its agent says
// hello on the socket that the command line names.
func TestShow(t *testing.T) {
	var script bytes.Buffer
	if err := Show(t.Context(), &script, smallRecipe(t, "image"), smallOptions()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# recipe small", "nix-instantiate /recipe/default.nix -A image", "accelerator: tcg: asked for"} {
		if !strings.Contains(script.String(), want) {
			t.Errorf("no %q in\n%s", want, &script)
		}
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", strings.Replace(script.String(), "\nqemu", "\nexec qemu", 1))
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var conn net.Conn
	err := os.ErrNotExist
	for err != nil && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
		conn, err = net.Dial("unix", filepath.Join(dir, "agent.sock"))
	}
	if err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	m, _, err := wire.NewReader(conn).Next()
	if err != nil || m.T != "hello" || m.Info == nil || m.Info.DiskTotal < 500<<20 {
		t.Errorf("hello %+v, %v", m, err)
	}
}

// The recipe of the published rebuild can be shown, whatever machine this is.
func TestShowMinimal(t *testing.T) {
	r, err := recipe.NixOSMinimal()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Show(t.Context(), &b, r, smallOptions()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"network: true", "published: sha256 a11d65b2944ceef0", "-netdev user", "-device virtio-net-pci,netdev=net,romfile=", "-m 18432",
		"fromsource.net", "truncate -s 122880M disk.img", "nix-instantiate /recipe/default.nix\n", "inputs: 0",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

func TestManage(t *testing.T) {
	o := smallOptions()
	img, v, err := Prepare(t.Context(), smallRecipe(t, "image"), o)
	if err != nil || img.Key != testImage.Key || v.Accel != "tcg" {
		t.Fatalf("%+v, %+v, %v", img, v, err)
	}
	all, err := List(o)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, i := range all {
		found = found || i.Key == img.Key
	}
	if !found {
		t.Errorf("%q is not listed", img.Key)
	}
	empty := Options{CacheDir: t.TempDir()}
	if all, err := List(empty); err != nil || len(all) != 0 {
		t.Errorf("list of nothing: %v, %v", all, err)
	}
	if err := Remove(empty, "nothing"); err == nil {
		t.Error("removing nothing is no error")
	}
	if err := Remove(empty, ""); err != nil {
		t.Errorf("removing all of nothing: %v", err)
	}
}

// A shell gets its input, gives its output and exit status, and stands among
// the recipe's files.
func TestShell(t *testing.T) {
	var out bytes.Buffer
	code, err := Shell(t.Context(), smallRecipe(t, "image"), smallOptions(), strings.NewReader("stty -echo; ls; cat /srcs/source.txt; exit 5\n"), &out, nil)
	if err != nil || code != 5 || !strings.Contains(out.String(), "default.nix") || !strings.Contains(out.String(), "from the host") {
		t.Errorf("exit %d, %v: %q", code, err, &out)
	}
}
