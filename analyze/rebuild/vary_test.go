package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/closure"
)

const varied = `
  steady = sh "steady" "echo steady > $out";
  cores = sh "cores" "echo $NIX_BUILD_CORES > $out";
  dir = drv "dir" "echo same > $out; pwd > $doc" { outputs = [ "out" "doc" ]; };
  parts = drv "parts" "echo $NIX_BUILD_CORES > $out; pwd > $doc; echo same > $info; pwd > $man; uname -r >> $man" { outputs = [ "out" "doc" "info" "man" ]; };
  days = sh "days" "read up idle < /proc/uptime; echo $((\${up%%.*} / 8640000)) > $out";
  release = sh "release" "uname -r > $out";
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
	want := map[string]string{
		"steady":  "out reproduced",
		"cores":   "out differs by cores",
		"release": "out differs by kernel",
		"dir":     "doc differs by build-dir, out reproduced",
		"parts":   "doc differs by build-dir, info reproduced, man differs by kernel build-dir, out differs by cores",
		"days":    "out differs by uptime",
		"pair":    "out differs by cores build-dir",
		"two":     "out differs by cores build-dir",
		"noise":   "out not attempted",
		"picky":   "out failed",
		"fetch":   "out not attempted",
	}
	var jobs []*Job
	for attr := range want {
		jobs = append(jobs, w.job(attr))
	}
	rs, err := Run(context.Background(), jobs, Options{Builders: []Builder{n}, Vary: vs, Parallel: 4})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	reasons := map[string]string{}
	for _, r := range rs {
		if len(r.Variations) == 0 {
			continue
		}
		name := closure.NameOf(r.Drv)
		reasons[name] = r.Reason
		if got[name] != "" {
			got[name] += ", "
		}
		got[name] += r.Output + " " + r.Result
		if len(r.Culprits) > 0 {
			got[name] += " by " + strings.Join(r.Culprits, " ")
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// It is said what builds could see of it.
	for name, want := range map[string]string{
		"release": "it depends on: kernel (version 2.6 by the personality UNAME26)",
		"pair":    "it depends on: cores (NIX_BUILD_CORES=3), build-dir (/build-varied-by-fromsource)",
		"steady": "varied: uptime (100 days more), cores (NIX_BUILD_CORES=3), kernel (version 2.6 by the personality UNAME26), " +
			"build-dir (/build-varied-by-fromsource); varied, but out of sight in Nix's sandbox: hostname, locale",
	} {
		if reasons[name] != want {
			t.Errorf("%s: %q, want %q", name, reasons[name], want)
		}
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
		{"all", false, "uptime,hostname,cores,kernel,build-dir,locale"},
		{"all", true, "clock,uptime,hostname,cores,processors,memory,cpu,kernel,build-dir,locale,directory-order"},
		{"kernel=2.6", false, "kernel=2.6"},
		{"kernel=linux-image-rt-amd64,kernel=2.6", true, "kernel=linux-image-rt-amd64,kernel=2.6"},
	} {
		vs, err := ParseVariations(tt.list, tt.guest)
		if err != nil || names(vs) != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.list, names(vs), err, tt.want)
		}
	}
	for list, want := range map[string]string{
		"moon":                       "no variation is called",
		"moon=1":                     "no variation is called",
		"cores=5":                    "only kernel can be given a value",
		"kernel=":                    "want kernel=PACKAGE or kernel=2.6",
		"kernel=-o=x":                "want kernel=PACKAGE or kernel=2.6",
		"kernel,kernel=linux-image":  "a guest has one kernel",
		"kernel=a,clock,kernel=b-c+": "a guest has one kernel",
	} {
		if vs, err := ParseVariations(list, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v", list, vs, err)
		}
	}
	if vs, err := ParseVariations("kernel=linux-image", false); err == nil || !strings.Contains(err.Error(), "only a guest can boot another kernel") {
		t.Errorf("a kernel without a guest: got %v, %v", vs, err)
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
