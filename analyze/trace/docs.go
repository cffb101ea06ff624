package trace

import (
	"path"
	"strings"
)

// docDirs are directories of what people and desktops read, and of what build
// systems note of a package. A build copies from them, and makes no code of
// them.
var docDirs = []string{
	"/share/man/", "/share/doc/", "/share/info/", "/share/licenses/", "/share/locale/",
	"/share/gtk-doc/", "/share/devhelp/", "/share/help/", "/share/bash-completion/", "/share/zsh/", "/share/fish/",
	"/share/applications/", "/share/icons/", "/share/metainfo/", "/share/appdata/", "/man/man", "/lib/cmake/", "/share/cmake/",
}

// IsDoc reports whether a file is documentation by its place: a prebuilt
// program can have written it without a later build being made by that.
func IsDoc(p string) bool {
	switch path.Ext(p) {
	case ".pc", ".la":
		return true
	}
	p = "/" + p
	for _, d := range docDirs {
		if strings.Contains(p, d) {
			return true
		}
	}
	return false
}

// inSupport reports whether a file is one of those in which nixpkgs' stdenv
// notes what a package propagates.
func inSupport(p string) bool { return strings.Contains("/"+p, "/nix-support/") }
