package audit

import "testing"

func TestPlace(t *testing.T) {
	for raw, want := range map[string]string{
		"https://github.com/o/r/archive/1.tar.gz": "github.com/o/r",
		"https://git.kernel.org/pub/scm/linux/kernel/git/firmware/linux-firmware.git/snapshot/linux-firmware-1.tar.gz": "git.kernel.org/…/linux-firmware.git",
		"https://gitlab.com/api/v4/projects/kernel-firmware%2Flinux-firmware/repository/archive.tar.gz?sha=1":          "gitlab.com/kernel-firmware/linux-firmware",
		"https://gitlab.com/api/v4/projects/17/repository/archive.tar.gz":                                              "gitlab.com/api/v4",
		"https://example.org/o/r.git":          "example.org/o/r.git",
		"mirror://gnu/hello/hello-2.12.tar.gz": "mirror://gnu",
		"nothing":                              "nothing",
	} {
		if got := Place(raw); got != want {
			t.Errorf("Place(%q) = %q, want %q", raw, got, want)
		}
	}
}
