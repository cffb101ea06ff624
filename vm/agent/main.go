// Package agent is what runs inside a guest: its init, and the other end of
// the channel that package wire describes. The fromsource binary carries it
// and runs Main when it finds itself to be process 1.
//
// It depends on little, since every page of it is read under emulation at
// every boot, and it is the only code of ours that a build in the guest could
// attack: it takes requests from the host's channel alone.
package agent

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"fromsource/vm/wire"
)

// Where the image keeps what the agent reads, and the names of devices.
const (
	// ModuleList is the file that lists kernel modules, one path a line, in
	// the order in which they are loaded.
	ModuleList = "/etc/fromsource/modules"
	// Port is the name of the virtio-serial port.
	Port = "fromsource"
	// WorkDisk is the serial of the virtio disk that becomes /nix.
	WorkDisk = "work"
	// SandboxShell is the shell offered to builds as /bin/sh: a copy on the
	// work disk, so that its execution by builds is seen.
	SandboxShell = "/nix/var/fromsource/sh"
	// NetFlag on the kernel's command line asks for the network to be set up.
	NetFlag = "fromsource.net"
)

// Main runs the guest and ends with the machine powered off. It never
// returns. It must only be called as process 1 of a guest.
func Main() {
	if err := run(); err != nil {
		say("fatal: %v", err)
	}
	syscall.Sync()
	// Nothing is unmounted: the disk is thrown away with the guest.
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	for {
		time.Sleep(time.Hour)
	}
}

// say writes a line to the console.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "fromsource agent: "+format+"\n", args...)
}

func run() error {
	if err := mountAll(); err != nil {
		return err
	}
	loadModules(ModuleList)
	if err := busyboxLinks(); err != nil {
		return err
	}
	if err := os.Symlink("/init", UptimeCommand); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	port, err := openPort()
	if err != nil {
		return err
	}
	if err := mountWork(); err != nil {
		return err
	}
	setUpNetwork()

	w := wire.NewWriter(port)
	info := state()
	info.Kernel = release()
	if err := watchExec(w, "/nix"); err != nil {
		info.ExecWatch = err.Error()
	}
	if err := w.Send(wire.Msg{T: "hello", V: wire.Version, Info: info}, nil); err != nil {
		return err
	}
	go beat(w)
	s := newServer(w)
	go s.kernel.watch()
	err = s.serve(wire.NewReader(port))
	if err == nil {
		err = w.Send(wire.Msg{T: "bye"}, nil)
	}
	return err
}

// release is the running kernel's, as uname -r.
func release() string {
	var u syscall.Utsname
	if err := syscall.Uname(&u); err != nil {
		return ""
	}
	var b []byte
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return string(b)
}
