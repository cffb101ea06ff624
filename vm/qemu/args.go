// Package qemu starts a QEMU process and holds on to it: the command line, as
// a pure function; the process, which dies with the one that started it; its
// console; and QMP.
package qemu

import (
	"fmt"
	"strconv"
	"strings"
)

// Binary is the program that is looked up in PATH.
const Binary = "qemu-system-x86_64"

// Accelerators.
const (
	KVM = "kvm"
	TCG = "tcg"
)

// Config is a machine to be started.
type Config struct {
	// Accel is KVM or TCG.
	Accel string
	// CPU is QEMU's model; empty for the default of the accelerator.
	CPU string
	// CPUs and MemoryMB are the machine's size.
	CPUs, MemoryMB int
	// Kernel and Initrd are files.
	Kernel, Initrd string
	// Append is added to the kernel's command line.
	Append []string
	// DiskSerial is the serial of the disk, where Wiring has one.
	DiskSerial string
	// PortName is the name of the virtio-serial port.
	PortName string
	// Network gives the machine QEMU's user network.
	Network bool
	// Clock is what -rtc base= takes; empty for the host's time.
	Clock string
	// Extra arguments come last: QEMU takes the last of what is there twice.
	Extra []string
	// Wiring says where the machine's ends are.
	Wiring Wiring
}

// Wiring is where channel, QMP, console and disk of a machine come out: each
// the text of a -chardev backend, or the disk's file.
type Wiring struct {
	Port, QMP, Console string
	// Disk is a raw image, empty for none.
	Disk string
}

// Descriptors that Start passes on.
const (
	portFD = iota + 3
	qmpFD
	consoleFD
	diskFD
)

// inherited is the wiring of a process that Start starts: everything is an
// inherited descriptor, so there is no path that another user could open and
// no file to clean up.
func inherited(disk bool) Wiring {
	w := Wiring{
		Port:    fmt.Sprintf("socket,fd=%d", portFD),
		QMP:     fmt.Sprintf("socket,fd=%d", qmpFD),
		Console: fmt.Sprintf("socket,fd=%d", consoleFD),
	}
	if disk {
		w.Disk = fmt.Sprintf("/proc/self/fd/%d", diskFD)
	}
	return w
}

// ByHand is the wiring of a machine that a user starts: the console on the
// terminal, sockets and a disk in the current directory.
func ByHand() Wiring {
	return Wiring{
		Port:    "socket,path=agent.sock,server=on,wait=off",
		QMP:     "socket,path=qmp.sock,server=on,wait=off",
		Console: "stdio,signal=off",
		Disk:    "disk.img",
	}
}

// quietBoot is the kernel's command line. The self-tests of its ciphers, the
// mitigations and the clock's calibration cost seconds under emulation; a
// panic must end the machine at once.
var quietBoot = []string{
	"console=ttyS0", "quiet", "panic=-1", "oops=panic", "rdinit=/init",
	"cryptomgr.notests", "mitigations=off", "nokaslr", "no_timer_check", "random.trust_cpu=on",
}

// Args is the command line for a machine, without the program's name.
func Args(c Config) []string {
	a := []string{"-M", "q35", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"}
	cpu := c.CPU
	switch c.Accel {
	case KVM:
		a = append(a, "-accel", "kvm")
		if cpu == "" {
			cpu = "host"
		}
	default:
		a = append(a, "-accel", "tcg,thread=multi")
		if cpu == "" {
			cpu = "qemu64" // measured: a third faster to boot than max
		}
	}
	a = append(a,
		"-cpu", cpu, "-smp", strconv.Itoa(max(c.CPUs, 1)), "-m", strconv.Itoa(c.MemoryMB),
		"-kernel", c.Kernel, "-initrd", c.Initrd,
		"-append", strings.Join(append(append([]string{}, quietBoot...), c.Append...), " "),
		"-chardev", withID(c.Wiring.Console, "console"), "-serial", "chardev:console",
		"-chardev", withID(c.Wiring.QMP, "qmp"), "-mon", "chardev=qmp,mode=control",
		"-device", "virtio-serial-pci",
		"-chardev", withID(c.Wiring.Port, "port"), "-device", "virtserialport,chardev=port,name="+escape(c.PortName),
		"-device", "virtio-rng-pci", "-device", "pvpanic-pci")
	if c.Wiring.Disk != "" {
		// The disk is thrown away with the machine: nothing on it needs to
		// survive the host.
		a = append(a,
			"-drive", "file="+escape(c.Wiring.Disk)+",format=raw,if=none,id=disk,cache=unsafe,discard=unmap",
			"-device", "virtio-blk-pci,drive=disk,serial="+escape(c.DiskSerial))
	}
	if c.Network {
		a = append(a, "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=")
	}
	if c.Clock != "" {
		a = append(a, "-rtc", "base="+escape(c.Clock))
	}
	return append(a, c.Extra...)
}

// withID puts a chardev's id behind its backend.
func withID(backend, id string) string {
	kind, rest, ok := strings.Cut(backend, ",")
	s := kind + ",id=" + id
	if ok {
		s += "," + rest
	}
	return s
}

// escape doubles commas, QEMU's way to have them in a value.
func escape(s string) string { return strings.ReplaceAll(s, ",", ",,") }

// Shell renders a command line for a user to paste.
func Shell(prog string, args []string) string {
	var b strings.Builder
	b.WriteString(quote(prog))
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			b.WriteString(" \\\n ")
		}
		b.WriteString(" " + quote(a))
	}
	return b.String()
}

// quote quotes one word for a POSIX shell.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
