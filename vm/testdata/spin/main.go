// Command spin takes one processor at the highest real-time priority and
// never gives it back: what makes a guest with one processor hang.
package main

import (
	"fmt"
	"os"
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
	for {
	}
}
