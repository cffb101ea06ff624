package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild"
	"fromsource/closure"
	"fromsource/vm"
)

// lanGuest boots a guest with one network card, on a wire of its own.
func lanGuest(t *testing.T, agent, address, wire string) *vm.Machine {
	t.Helper()
	m, err := vm.Ready(t.Context(), vm.Recipe{
		Name: "lan", Files: fstest.MapFS{"default.nix": {Data: []byte("{}")}}, Expr: "default.nix",
		MemoryMB: 512, CPUs: 1, DiskGB: 1, Packages: []string{"dropbear-bin", "openssh-client"},
	}, vm.Options{Agent: agent, Accel: "tcg", QEMU: []string{
		"-netdev", "stream,id=lan,addr.type=unix," + wire, "-device", "virtio-net-pci,netdev=lan,romfile=,mac=52:54:00:00:00:" + address[len(address)-2:],
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	sh(t, m, "ip link set eth0 up && ip addr add "+address+"/24 dev eth0")
	return m
}

// sh is a script that has to succeed in a guest; what it printed.
func sh(t *testing.T, m *vm.Machine, script string) string {
	t.Helper()
	out, err := m.Output(t.Context(), "sh", "-c", script)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return strings.TrimSpace(string(out))
}

// Several machines are Nix's own remote builders: one guest builds for the
// other over ssh-ng, and what it makes is compared with the first build.
func testGuestBuildsForAnother(t *testing.T) {
	agent := staticProgram(t)
	dir, err := os.MkdirTemp("", "lan-") // a short name, as sockets have
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	wire := "addr.path=" + filepath.Join(dir, "wire") + ",server="
	here := lanGuest(t, agent, "10.77.0.11", wire+"on")
	there := lanGuest(t, agent, "10.77.0.12", wire+"off")
	key := sh(t, here, `mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519 && cat /root/.ssh/id_ed25519.pub`)
	sh(t, there, fmt.Sprintf(`mkdir -p -m 700 /root/.ssh /etc/dropbear && echo '%s' > /root/.ssh/authorized_keys && chmod 600 /root/.ssh/authorized_keys`, key))
	// What a command leaves behind ends with it: this one stays.
	go func() { _, _ = there.Run(t.Context(), vm.Cmd{Argv: []string{"dropbear", "-F", "-R", "-s"}}) }()
	sh(t, there, "for i in $(seq 1000); do grep -q ':0016 ' /proc/net/tcp && exit 0; sleep 0.2; done; exit 1")

	const expr = `derivation { name = "sent"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo the same > $out; :" ]; }`
	drv := sh(t, here, `nix-instantiate -E '`+expr+`'`)
	out := sh(t, here, `nix-store --realise `+drv)
	if sh(t, there, "ls /nix/store") != "" {
		t.Fatal("the other guest's store is not empty")
	}
	b := &rebuild.Nix{
		Title: "guest", Runner: inGuest(here),
		Env: []string{"NIX_SSHOPTS=-oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null -oBatchMode=yes"},
		Options: []rebuild.Option{
			{Name: "builders", Value: "ssh-ng://root@10.77.0.12 x86_64-linux /root/.ssh/id_ed25519 1 1"},
			{Name: "max-jobs", Value: "0"},
		},
	}
	job := &rebuild.Job{Drv: drv, Outputs: []closure.Output{{Name: "out", Path: out}}}
	rs, err := rebuild.Run(context.Background(), []*rebuild.Job{job}, rebuild.Options{Builders: []rebuild.Builder{b}})
	if err != nil || len(rs) != 1 || rs[0].Result != audit.Reproduced || rs[0].Got == "" {
		t.Fatalf("%+v, %v", rs, err)
	}
	if got := sh(t, there, "cat "+out); got != "the same" {
		t.Errorf("the other guest has not built it: %q", got)
	}
	// Where the other machine is gone, that is what is said.
	if err := there.Close(); err != nil {
		t.Error(err)
	}
	b.Env[0] += " -oConnectTimeout=3"
	rs, err = rebuild.Run(context.Background(), []*rebuild.Job{job}, rebuild.Options{Builders: []rebuild.Builder{b}})
	if err != nil || len(rs) != 1 || rs[0].Result != audit.Failed || !rs[0].Transient || rs[0].Reason != "a remote builder could not be reached" {
		t.Errorf("%+v, %v", rs, err)
	}
}
