package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild"
	"fromsource/closure"
	"fromsource/vm"
)

// One guest, in which things happen while it builds.
func testBuildsInGuest(t *testing.T) {
	m, err := vm.Ready(t.Context(), vm.Recipe{
		Name: "eventful", Files: fstest.MapFS{"default.nix": {Data: []byte("{}")}}, Expr: "default.nix",
		MemoryMB: 512, CPUs: 1, DiskGB: 1,
	}, vm.Options{Agent: staticProgram(t), Accel: "tcg", NixOptions: []string{"sandbox = relaxed"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	// job is a derivation that is built once.
	job := func(name, attrs, script string) *rebuild.Job {
		t.Helper()
		drv := sh(t, m, fmt.Sprintf(`nix-instantiate -E 'derivation { name = "%s"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "%s; :" ]; %s }'`, name, script, attrs))
		return &rebuild.Job{Drv: drv, Outputs: []closure.Output{{Name: "out", Path: sh(t, m, "nix-store --realise "+drv)}}}
	}
	again := func(method rebuild.Method, j *rebuild.Job, vary string) []rebuild.Result {
		t.Helper()
		o := rebuild.Options{Builders: []rebuild.Builder{&rebuild.Nix{Title: "guest", Runner: inGuest(m), Method: method}}}
		if vary != "" {
			var err error
			if o.Vary, err = rebuild.ParseVariations(vary, true); err != nil {
				t.Fatal(err)
			}
		}
		rs, err := rebuild.Run(context.Background(), []*rebuild.Job{j}, o)
		if err != nil {
			t.Error(err)
		}
		return rs
	}

	// A build meets the clock as it is; that the clock jumps in its middle
	// neither ends it nor makes it another one, and the guest is not taken for
	// one that hangs. The build lasts until it has.
	jump := func(to string) chan error {
		jumped := make(chan error, 1)
		go func() {
			// Once it builds: its sleep is a process of a build user.
			_, err := m.Output(t.Context(), "sh", "-c", `while :; do grep -qs '^Uid:.3' $(grep -ls '^Name:.sleep$' /proc/[0-9]*/status) && exec date -s '`+to+`'; sleep 0.1; done`)
			jumped <- err
		}()
		return jumped
	}
	jumped := jump("2030-01-01 00:00:00")
	slow := job("slow", "", "year=$(date +%Y); while [ $year = $(date +%Y) ]; do sleep 1; done; echo the same > $out")
	if err := <-jumped; err != nil {
		t.Fatalf("the clock did not jump: %v", err)
	}
	for _, to := range []string{"2041-05-06 07:08:09", "1999-01-02 03:04:05"} {
		t.Run("clock jumps to "+to[:4], func(t *testing.T) {
			jumped := jump(to)
			rs := again(rebuild.Fresh, slow, "")
			if err := <-jumped; err != nil {
				t.Fatalf("the clock did not jump: %v", err)
			}
			if year := sh(t, m, "date +%Y"); year != to[:4] {
				t.Errorf("the guest has the year %s", year)
			}
			if len(rs) != 1 || rs[0].Result != audit.Reproduced || rs[0].Got == "" {
				t.Errorf("%+v", rs)
			}
			if err := m.Err(); err != nil {
				t.Errorf("the guest: %v", err)
			}
		})
	}

	// Outside of the sandbox, where a derivation asks for that, the machine's
	// name is seen, and its variation found.
	t.Run("hostname outside of the sandbox", func(t *testing.T) {
		named := job("named", "__noChroot = true;", "/bin/busybox hostname > $out")
		rs := again(rebuild.Check, named, "hostname,cores")
		if !slices.ContainsFunc(rs, func(r rebuild.Result) bool {
			return r.Result == audit.Differs && slices.Equal(r.Culprits, []string{"hostname"})
		}) {
			t.Errorf("%+v", rs)
		}
	})
	t.Run("version told in a guest", func(t *testing.T) {
		release := job("release", "", "uname -r > $out")
		rs := again(rebuild.Fresh, release, "kernel=2.6,locale")
		if !slices.ContainsFunc(rs, func(r rebuild.Result) bool {
			return r.Result == audit.Differs && slices.Equal(r.Culprits, []string{"kernel=2.6"}) && strings.Contains(r.Reason, "UNAME26")
		}) {
			t.Errorf("%+v", rs)
		}
	})
}
