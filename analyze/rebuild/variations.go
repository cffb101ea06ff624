package rebuild

import (
	"fmt"
	"slices"
	"strings"
)

// Variations are those that fromsource knows, in the order of reports. What is
// for a guest is applied by whoever starts it; the rest works wherever Nix
// runs.
func Variations() []Variation {
	return []Variation{
		{
			Name: "clock", Title: "the date and time of the machine",
			QEMU: []string{"-rtc", "base=2031-03-07T19:43:11,clock=vm"}, Seen: "2031-03-07 at boot",
			Limits: "guests only; a build sees the machine's clock, which can't be changed for one process",
		},
		{
			Name: "uptime", Title: "the time since the machine was started",
			Wrap: []string{"unshare", "--fork", "--time", "--boottime", UptimeSeconds, "--monotonic", UptimeSeconds}, Seen: "100 days more",
			Limits: "needs Linux 5.6 and root",
		},
		{
			Name: "hostname", Title: "the machine's name",
			Wrap:   []string{"unshare", "--uts", "sh", "-c", `hostname varied-by-fromsource && exec "$@"`, "sh"},
			Limits: "Nix's sandbox gives every build the name localhost: it shows only in builds outside it",
		},
		{
			Name: "cores", Title: "how many cores a build is told to use",
			Nix: []Option{{"cores", "3"}}, Seen: "NIX_BUILD_CORES=3",
			Limits: "NIX_BUILD_CORES; the processors that a build can see stay the same",
		},
		{
			Name: "processors", Title: "how many processors the machine has",
			QEMU: []string{"-smp", "1"}, Limits: "guests only",
		},
		{
			Name: "memory", Title: "how much memory the machine has",
			QEMU: []string{"-m", "1536"}, Limits: "guests only",
		},
		{
			Name: "cpu", Title: "the processor's model",
			QEMU: []string{"-cpu", "max"}, Seen: "QEMU's model max", Limits: "guests only",
		},
		{
			Name: kernelVariation, Title: "the kernel",
			Image: OtherKernel, Nix: impersonate, Seen: seenImpersonated,
			Limits: "a guest boots the kernel of another package; elsewhere only the version that programs are told is another",
		},
		{
			Name: "build-dir", Title: "the folder in which a build runs",
			Nix: []Option{{"sandbox-build-dir", "/build-varied-by-fromsource"}}, Seen: "/build-varied-by-fromsource",
			Limits: "Nix's sandbox on Linux",
		},
		{
			Name: "locale", Title: "locale and time zone of Nix itself",
			Env:    []string{"LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8", "TZ=Pacific/Apia"},
			Limits: "Nix clears the environment of builds: it shows only in what Nix itself does, and in fetches that ask for it",
		},
		{
			Name: "directory-order", Title: "the order in which folders are listed",
			MakeFS: []string{"-E", "hash_seed=5cba8b52-8b8d-4d49-b4dc-7c3b1e5f6a90"}, Seen: "another hash of ext4",
			Limits: "guests with an ext4 disk: ext4 lists by a hash of the name, which has a seed",
		},
	}
}

// UptimeSeconds is by how much the variation of the uptime makes it longer.
const UptimeSeconds = "8640000"

// OtherKernel is a Variation's Image that leaves the choice of the kernel to
// whoever starts the guest.
const OtherKernel = "other-kernel"

const (
	kernelVariation  = "kernel"
	seenImpersonated = "version 2.6 by the personality UNAME26"
)

// impersonate has Nix build under the personality UNAME26, as setarch
// --uname-2.6 does: uname says 2.6.40 and more for 3.0 and more, 2.6.60 for 4.0
// (linux: override_release in kernel/sys.c).
var impersonate = []Option{{"impersonate-linux-26", "true"}}

// ParseVariations picks variations by name, separated by commas; "all" is
// every one, with those that only guests can apply if guest is true. The
// kernel may be named: kernel=PACKAGE is that package's in a guest, kernel=2.6
// the running one, that calls itself so.
func ParseVariations(list string, guest bool) ([]Variation, error) {
	known := Variations()
	if list == "all" {
		return slices.DeleteFunc(known, func(v Variation) bool { return !guest && !v.inPlace() }), nil
	}
	var picked []Variation
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		v, err := parseVariation(known, name, guest)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(picked, func(p Variation) bool { return p.Name == v.Name }) {
			continue
		}
		if v.Image != "" && slices.ContainsFunc(picked, func(p Variation) bool { return p.Image != "" }) {
			return nil, fmt.Errorf("%q: a guest has one kernel", list)
		}
		picked = append(picked, v)
	}
	return picked, nil
}

func parseVariation(known []Variation, name string, guest bool) (Variation, error) {
	base, value, valued := strings.Cut(name, "=")
	i := slices.IndexFunc(known, func(v Variation) bool { return v.Name == base })
	switch {
	case i < 0:
		var all []string
		for _, v := range known {
			all = append(all, v.Name)
		}
		return Variation{}, fmt.Errorf("no variation is called %q; there are %s", name, strings.Join(all, ", "))
	case !valued:
		return known[i], nil
	case base != kernelVariation:
		return Variation{}, fmt.Errorf("%q: of all variations only kernel can be given a value", name)
	}
	v := known[i]
	v.Name = name
	switch {
	case value == "2.6":
		v.Image = ""
	case value == "" || strings.Trim(value, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" || value[0] == '-':
		return Variation{}, fmt.Errorf("%q: want kernel=PACKAGE or kernel=2.6", name)
	case !guest:
		return Variation{}, fmt.Errorf("%q: only a guest can boot another kernel; here it is kernel=2.6", name)
	default:
		v.Image, v.Nix, v.Seen = value, nil, ""
	}
	return v, nil
}
