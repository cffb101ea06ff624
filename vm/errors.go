package vm

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// What can befall a guest. A *Failure wraps one of them.
var (
	// ErrPanic: the guest's kernel panicked.
	ErrPanic = errors.New("the guest's kernel panicked")
	// ErrHang: the guest gave no sign of life for longer than it may.
	ErrHang = errors.New("the guest hangs")
	// ErrDiskFull: what failed, failed for want of space on the guest's disk.
	ErrDiskFull = errors.New("the guest's disk is full")
	// ErrNoMemory: the guest's kernel killed a process for want of memory, or
	// could not go on without any.
	ErrNoMemory = errors.New("the guest is out of memory")
	// ErrCrash: the guest or QEMU ended without a word.
	ErrCrash = errors.New("the guest ended unexpectedly")
	// ErrBoot: the guest did not come up.
	ErrBoot = errors.New("the guest did not come up")
	// ErrClosed: the machine was shut down by its owner.
	ErrClosed = errors.New("the guest was shut down")
)

// Failure is the end of a guest, or of what it was doing, for a cause that is
// the guest's own and not the command's.
type Failure struct {
	// Kind is one of the errors above.
	Kind error
	// Detail says what it was seen by.
	Detail string
	// Console is the end of what the guest's console said.
	Console string
}

// Error implements error. It is one line; Console is for those who ask.
func (f *Failure) Error() string {
	if f.Detail == "" {
		return f.Kind.Error()
	}
	return f.Kind.Error() + ": " + f.Detail
}

// Unwrap gives Kind.
func (f *Failure) Unwrap() error { return f.Kind }

// consoleLines is how much of a console a failure carries.
const consoleLines = 40

// ConsoleTail is the end of a console's output, as printable lines.
func ConsoleTail(console string) string {
	lines := printable(console)
	return strings.Join(lines[max(0, len(lines)-consoleLines):], "\n")
}

// printable is a console's output without what only a terminal understands.
func printable(console string) []string {
	console = escapes.ReplaceAllString(console, "")
	console = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r != 0x7f {
			return r
		}
		return -1
	}, console)
	return strings.Split(strings.TrimSpace(console), "\n")
}

// escapes are terminal control sequences: the BIOS and the kernel may send
// some, and a report must not repeat them.
var escapes = regexp.MustCompile("\x1b(?:\\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[@-Z\\\\-_])")

// panicMessage begins the line in which Linux says that it panicked. Where it
// stays up after it, the last line of the trace repeats it as "end Kernel panic".
const panicMessage = "Kernel panic - not syncing"

// panicContext is how many lines from before a panic's message, and panicTrace
// how many from there on, a failure carries: registers and a trace follow the
// message, of a length that differs from panic to panic.
const (
	panicContext = 12
	panicTrace   = 100
)

// initramfsFull is what Linux says where the file system in memory has no room
// for what the initramfs holds (linux: init/initramfs.c). It goes on without,
// and panics for the lack of a root.
const initramfsFull = "Initramfs unpacking failed: write error"

// consoleVerdict tells from the console why a guest is gone; nil when it does
// not say.
func consoleVerdict(console string) *Failure {
	lines := printable(console)
	for i := len(lines) - 1; i >= 0; i-- {
		before, _, found := strings.Cut(lines[i], panicMessage)
		if !found || strings.HasSuffix(before, "end ") {
			continue
		}
		line := strings.TrimSpace(lines[i][len(before):])
		f := &Failure{
			Kind:    ErrPanic,
			Detail:  line,
			Console: strings.Join(lines[max(0, i-panicContext):min(len(lines), i+panicTrace)], "\n"),
		}
		for _, s := range []string{"System is deadlocked on memory", "Out of memory", "out of memory"} {
			if strings.Contains(line, s) {
				f.Kind = ErrNoMemory
			}
		}
		for _, l := range lines[:i] {
			if _, said, ok := strings.Cut(l, initramfsFull); ok {
				f.Kind, f.Detail = ErrNoMemory, initramfsFull+said
			}
		}
		return f
	}
	return nil
}

// diskFull are the words in which programs say ENOSPC: libc's and SQLite's,
// which keeps the store's database.
var diskFull = []string{"No space left on device", "database or disk is full"}

// sizes in messages.
func megabytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
