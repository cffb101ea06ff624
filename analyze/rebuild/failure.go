package rebuild

import (
	"fmt"
	"strings"
)

// status is an exit status of Nix. Those of builds are 0x60 and a mask
// (nix: Worker::exitStatus; manual, "status-build-failure"), everything else
// is an error of another kind.
type status int

func (s status) has(bit int) bool    { return s&^0xf == 0x60 && int(s)&bit != 0 }
func (s status) timedOut() bool      { return s.has(1) }
func (s status) hashMismatch() bool  { return s.has(2) }
func (s status) buildFailed() bool   { return s.has(4) }
func (s status) checkMismatch() bool { return s.has(8) }

const whyDiskFull = "the builder's disk is full"

// buildError makes an error of a build that ended with a status.
func buildError(drv string, exit int, log string) *BuildError {
	e := &BuildError{Drv: drv, Exit: exit, Log: lastLines(log), Why: "builder failed", full: log}
	s := status(exit)
	switch {
	case diskFull(log):
		e.Why, e.Transient = whyDiskFull, true
	case outOfMemory(log):
		e.Why, e.Transient = "the builder is out of memory", true
	case unreachable(log):
		e.Why, e.Transient = "a remote builder could not be reached", true
	case s.timedOut():
		e.Why, e.Transient = "timed out", true
	case s.hashMismatch():
		e.Why = "what was fetched does not have the declared hash"
	case s.checkMismatch():
		e.Why = "nix --check says that it is not deterministic"
	case s.buildFailed():
	case exit > 128:
		e.Why, e.Transient = fmt.Sprintf("nix was killed by signal %d", exit-128), true
	default:
		e.Why = "nix could not build: " + lastLine(log)
	}
	return e
}

// diskFull recognises ENOSPC as the C library and SQLite word it.
func diskFull(log string) bool {
	return strings.Contains(log, "No space left on device") || strings.Contains(log, "database or disk is full")
}

func outOfMemory(log string) bool {
	return strings.Contains(log, "Cannot allocate memory") || strings.Contains(log, "std::bad_alloc")
}

// noSandbox recognises a machine on which Nix can't build in a store that is
// not its default one.
func noSandbox(log string) bool {
	return strings.Contains(log, "cloning builder process: Operation not permitted") ||
		strings.Contains(log, "building using a diverted store is not supported") ||
		strings.Contains(log, "this system does not support the kernel namespaces")
}

func unreachable(log string) bool {
	return strings.Contains(log, "cannot connect to '") || strings.Contains(log, "failed to start SSH connection") ||
		strings.Contains(log, "cannot build on 'ssh")
}

// mismatch finds what Nix says of a fixed output that does not have its hash:
//
//	error: hash mismatch in fixed-output derivation '/nix/store/….drv':
//	         specified: sha256-…
//	            got:    sha256-…
//
// The last occurrence counts: earlier ones could be words of the build.
func mismatch(log, drv string) (Mismatch, bool) {
	log = clean(log)
	i := strings.LastIndex(log, "hash mismatch in fixed-output derivation '"+drv+"'")
	if i < 0 {
		return Mismatch{}, false
	}
	var m Mismatch
	for line := range strings.SplitSeq(log[i:], "\n") {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		switch key {
		case "specified", "wanted":
			m.Specified = strings.TrimSpace(value)
		case "got":
			if m.Got = strings.TrimSpace(value); m.Specified == "" || m.Got == "" {
				return Mismatch{}, false
			}
			return m, true
		}
	}
	return Mismatch{}, false
}
