// Command spin takes one processor at the highest real-time priority and
// never gives it back: what makes a guest with one processor hang.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

func main() {
	runtime.LockOSThread()
	// By default the kernel keeps a twentieth of the time for the others.
	err := os.WriteFile("/proc/sys/kernel/sched_rt_runtime_us", []byte("-1"), 0o644)
	if err == nil {
		err = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 99}, 0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "spin:", err)
		os.Exit(1)
	}
	if err := noFairServer(); err != nil {
		fmt.Fprintln(os.Stderr, "spin:", err)
		os.Exit(1)
	}
	for {
	}
}

// noFairServer takes the time from ordinary programs that Linux from 6.12 on
// gives them however busy real-time ones are.
func noFairServer() error {
	dir, err := os.MkdirTemp("", "debug")
	if err != nil {
		return err
	}
	if err := unix.Mount("none", dir, "debugfs", 0, ""); err != nil {
		return fmt.Errorf("mounting debugfs: %w", err)
	}
	servers, err := filepath.Glob(dir + "/sched/fair_server/cpu*/runtime")
	if err != nil {
		return err
	}
	for _, s := range servers { // none before 6.12
		if err := os.WriteFile(s, []byte("0"), 0o644); err != nil {
			return err
		}
	}
	return nil
}
