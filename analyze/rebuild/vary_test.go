package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze/audit"
	"fromsource/closure"
)

const varied = `
  steady = sh "steady" "echo steady > $out";
  cores = sh "cores" "echo $NIX_BUILD_CORES > $out";
  dir = drv "dir" "echo same > $out; pwd > $doc" { outputs = [ "out" "doc" ]; };
  days = sh "days" "read up idle < /proc/uptime; echo $((\${up%%.*} / 8640000)) > $out";
  pair = sh "pair" "echo no > $out; if [ $NIX_BUILD_CORES = 3 ]; then pwd | grep -q varied && echo yes > $out; fi; true";
  two = sh "two" "echo $NIX_BUILD_CORES > $out; pwd >> $out";
  noise = sh "noise" "cat /proc/sys/kernel/random/uuid > $out";
  picky = sh "picky" "[ $NIX_BUILD_CORES != 3 ] && echo x > $out";
  fetch = derivation { name = "fetch"; builder = "builtin:fetchurl"; system = "builtin"; url = "file:///bin/busybox";
    urls = [ "file:///bin/busybox" ]; executable = false; unpack = false;
    outputHash = builtins.hashFile "sha256" /bin/busybox; outputHashAlgo = "sha256"; outputHashMode = "flat"; };
`

// Real builds under every variation that needs no guest.
func TestVary(t *testing.T) {
	vs, err := ParseVariations("all", false)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, varied)
	n := w.nix(Fresh)
	n.Options = []Option{{"cores", "2"}}
	type verdict struct{ Results, Culprits string }
	want := map[string]verdict{
		"steady": {audit.Reproduced, ""},
		"cores":  {audit.Differs, "cores"},
		"dir":    {audit.Differs + " " + audit.Reproduced, "build-dir"},
		"days":   {audit.Differs, "uptime"},
		"pair":   {audit.Differs, "cores,build-dir"},
		"two":    {audit.Differs, "cores,build-dir"},
		"noise":  {audit.NotAttempted, ""},
		"picky":  {audit.Failed, ""},
		"fetch":  {audit.NotAttempted, ""},
	}
	var jobs []*Job
	for attr := range want {
		jobs = append(jobs, w.job(attr))
	}
	rs, err := Run(context.Background(), jobs, Options{Builders: []Builder{n}, Vary: vs, Parallel: 4})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]verdict{}
	for _, r := range rs {
		if len(r.Variations) == 0 {
			continue
		}
		v := got[closure.NameOf(r.Drv)]
		v.Results = strings.TrimSpace(v.Results + " " + r.Result)
		v.Culprits += strings.Join(r.Culprits, ",")
		got[closure.NameOf(r.Drv)] = v
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestVaryUnsupported(t *testing.T) {
	vs, err := ParseVariations("cores,clock,directory-order", true)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = (&Nix{Title: "local"}).Vary(context.Background(), vs)
	var no *UnsupportedError
	if !errors.As(err, &no) || !slices.Equal(no.Names, []string{"clock", "directory-order"}) {
		t.Errorf("got %v", err)
	}
}

func TestParseVariations(t *testing.T) {
	for _, tt := range []struct {
		list  string
		guest bool
		want  string
	}{
		{"clock", false, "clock"},
		{"cores, clock,cores", false, "cores,clock"},
		{"all", false, "uptime,hostname,cores,build-dir,locale"},
	} {
		vs, err := ParseVariations(tt.list, tt.guest)
		if err != nil || names(vs) != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.list, names(vs), err, tt.want)
		}
	}
	if vs, err := ParseVariations("moon", true); err == nil {
		t.Errorf("an unknown name: got %v", vs)
	}
	// Every variation does something and says what it does not do.
	for _, v := range Variations() {
		if v.Title == "" || v.Limits == "" || !v.OfMachine() && !v.inPlace() {
			t.Errorf("%s: %+v", v.Name, v)
		}
	}
}

// Bisect finds exactly the minimal sets, for every one and every pair of
// culprits among eight, and does not build without end.
func TestBisect(t *testing.T) {
	var all []Variation
	for i := range 8 {
		all = append(all, Variation{Name: fmt.Sprint(i)})
	}
	has := func(vs []Variation, i int) bool {
		return slices.ContainsFunc(vs, func(v Variation) bool { return v.Name == fmt.Sprint(i) })
	}
	for i := range 8 {
		for k := range 8 {
			for name, broke := range map[string]func([]Variation) bool{
				"together": func(vs []Variation) bool { return has(vs, i) && has(vs, k) },
				"either":   func(vs []Variation) bool { return has(vs, i) || has(vs, k) },
			} {
				builds := 0
				got, err := Bisect(context.Background(), all, func(_ context.Context, vs []Variation) (bool, error) {
					builds++
					return broke(vs), nil
				})
				want := fmt.Sprintf("%d,%d", min(i, k), max(i, k))
				if i == k {
					want = fmt.Sprint(i)
				}
				if err != nil || names(got) != want {
					t.Errorf("%s: got %q, %v, want %q", name, names(got), err, want)
				}
				if limit := 40; builds > limit || i == k && builds > 8 {
					t.Errorf("%s %s: %d builds", name, want, builds)
				}
			}
		}
	}
	boom := errors.New("boom")
	if got, err := Bisect(context.Background(), all, func(context.Context, []Variation) (bool, error) { return false, boom }); !errors.Is(err, boom) || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
}
