// Package rebuild builds derivations again and compares the result with
// everything that is on record of it: the first build, binary caches,
// published lists.
//
// It drives no machine itself. A Builder is asked; Nix is the one
// implementation, on top of anything that can run a command (a guest, a second
// guest, this machine), and Nix's own remote builders are passed through to
// it. Hashes are always compared here: the exit status of `nix-store --check`
// says nothing for content-addressed derivations (nix issue 5336), and with
// several outputs it stops at the first that differs.
//
// That an output is reproduced is no statement about its provenance: a package
// that repackages an upstream binary is bit for bit the same every time. And a
// fixed-output derivation that is fetched again proves only that its URL still
// serves the same bytes.
package rebuild
