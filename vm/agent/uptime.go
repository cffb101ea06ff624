package agent

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// UptimeCommand runs a command in a guest that seems to have been up longer:
//
//	fromsource-uptime SECONDS COMMAND [ARGUMENT...]
//
// It is this program under another name: busybox's unshare knows no time
// namespaces.
const UptimeCommand = "/usr/bin/fromsource-uptime"

// The kernel takes the offsets of a new time namespace from the main thread
// alone (time_namespaces(7)), and only what is locked to it during
// initialization is sure to go on there.
func init() {
	if Called(os.Args) {
		runtime.LockOSThread()
	}
}

// Called reports whether the program was started by a name that the agent
// gives it in a guest.
func Called(args []string) bool {
	return len(args) > 0 && filepath.Base(args[0]) == filepath.Base(UptimeCommand)
}

// Call is what the program does then, in main's own goroutine; it gives the
// exit status.
func Call(args []string) int {
	err := uptime(args[1:])
	fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(UptimeCommand), err)
	return 125 // as of env and nohup: not the command's own
}

func uptime(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: SECONDS COMMAND [ARGUMENT...]")
	}
	seconds, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || seconds < 0 {
		return fmt.Errorf("%q is not a number of seconds", args[0])
	}
	if unix.Gettid() != unix.Getpid() {
		return errors.New("not on the main thread")
	}
	prog, err := exec.LookPath(args[1])
	if err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWTIME); err != nil {
		return fmt.Errorf("making a time namespace: %w", err)
	}
	offsets := fmt.Sprintf("monotonic %d 0\nboottime %[1]d 0\n", seconds)
	if err := os.WriteFile("/proc/self/timens_offsets", []byte(offsets), 0); err != nil {
		return fmt.Errorf("setting the time since boot: %w", err)
	}
	// Some kernels, 6.1 among them, move children into the new namespace and
	// not this process, which until then can start no thread and no child that
	// shares its memory, as Go's do (linux: copy_namespaces). A shell forks.
	const shell = "/bin/sh"
	argv := append([]string{shell, "-c", `"$@"; exit $?`, shell, prog}, args[2:]...)
	return fmt.Errorf("executing %q: %w", prog, syscall.Exec(shell, argv, os.Environ()))
}
