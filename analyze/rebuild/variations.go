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
			QEMU:   []string{"-rtc", "base=2031-03-07T19:43:11,clock=vm"},
			Limits: "guests only; a build sees the machine's clock, which can't be changed for one process",
		},
		{
			Name: "uptime", Title: "the time since the machine was started",
			Wrap:   []string{"unshare", "--time", "--boottime", "8640000", "--monotonic", "8640000"},
			Limits: "needs Linux 5.6 and root",
		},
		{
			Name: "hostname", Title: "the machine's name",
			Wrap:   []string{"unshare", "--uts", "sh", "-c", `hostname varied-by-fromsource && exec "$@"`, "sh"},
			Limits: "Nix's sandbox gives every build the name localhost: it shows only in builds outside it",
		},
		{
			Name: "cores", Title: "how many cores a build is told to use",
			Nix:    []Option{{"cores", "3"}},
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
			QEMU: []string{"-cpu", "max"}, Limits: "guests only",
		},
		{
			Name: "kernel", Title: "the kernel",
			Image: "other-kernel", Limits: "guests only, where a second kernel is at hand",
		},
		{
			Name: "build-dir", Title: "the folder in which a build runs",
			Nix:    []Option{{"sandbox-build-dir", "/build-varied-by-fromsource"}},
			Limits: "Nix's sandbox on Linux",
		},
		{
			Name: "locale", Title: "locale and time zone of Nix itself",
			Env:    []string{"LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8", "TZ=Pacific/Apia"},
			Limits: "Nix clears the environment of builds: it shows only in what Nix itself does, and in fetches that ask for it",
		},
		{
			Name: "directory-order", Title: "the order in which folders are listed",
			MakeFS: []string{"-E", "hash_seed=5cba8b52-8b8d-4d49-b4dc-7c3b1e5f6a90"},
			Limits: "guests with an ext4 disk: ext4 lists by a hash of the name, which has a seed",
		},
	}
}

// ParseVariations picks variations by name, separated by commas; "all" is
// every one, with those that only guests can apply if guest is true.
func ParseVariations(list string, guest bool) ([]Variation, error) {
	known := Variations()
	if list == "all" {
		return slices.DeleteFunc(known, func(v Variation) bool { return v.Image != "" || v.OfMachine() && !guest }), nil
	}
	var picked []Variation
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(known, func(v Variation) bool { return v.Name == strings.TrimSpace(name) })
		if i < 0 {
			var all []string
			for _, v := range known {
				all = append(all, v.Name)
			}
			return nil, fmt.Errorf("no variation is called %q; there are %s", name, strings.Join(all, ", "))
		}
		if !slices.ContainsFunc(picked, func(v Variation) bool { return v.Name == known[i].Name }) {
			picked = append(picked, known[i])
		}
	}
	return picked, nil
}
