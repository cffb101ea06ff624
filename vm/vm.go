// Package vm runs QEMU guests and has them build Nix derivations: a machine's
// life and death, its image, the channel to it, recipes, and the export of
// what a recipe built. It knows nothing of derivations beyond running a recipe
// and exporting the result.
//
// A guest is made of the host distribution's own packages (package image), has
// this program as its init (package agent), and is spoken to over one
// virtio-serial port (package wire). It has no network unless its recipe asks
// for one, Nix substitutes nothing in it, and every build is in Nix's sandbox.
package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"fromsource/vm/image"
	"fromsource/vm/qemu"
	"fromsource/vm/recipe"
	"fromsource/vm/wire"
)

// Recipe is what a guest builds.
type Recipe = recipe.Recipe

// Options are the user's and the machine's part in a build.
type Options struct {
	// CacheDir holds images and the disk of a running guest;
	// image.DefaultDir when empty.
	CacheDir string
	// Agent is the program that becomes the guest's init: this one when
	// empty. It must be statically linked.
	Agent string
	// Accel is "kvm", "tcg", or empty to find out.
	Accel string
	// Refresh asks for newer packages in the guest's image.
	Refresh bool
	// MemoryMB, CPUs and DiskGB override the recipe's where not 0.
	MemoryMB, CPUs, DiskGB int
	// Clock is the guest's time at boot as QEMU's -rtc base= takes it.
	Clock string
	// QEMU, Kernel and MakeFS change the machine on purpose, as in Config.
	QEMU, Kernel, MakeFS []string
	// KernelPackage is the package of the host distribution whose kernel the
	// guest runs; image.DefaultKernel when empty.
	KernelPackage string
	// BootTimeout and HangAfter as in Config.
	BootTimeout, HangAfter time.Duration
	// Console receives the guest's console; may be nil.
	Console io.Writer
	// Progress is told what is being done; may be nil. Calls do not overlap.
	Progress func(Event)
	// Keep leaves the machine running after Build, for rebuilds: it is in
	// the Export and must be closed.
	Keep bool
	// NixOptions are lines added to the guest's nix.conf.
	NixOptions []string
}

// Stages of a build, in their order.
const (
	StageImage    = "image"
	StageProbe    = "probe"
	StageBoot     = "boot"
	StageInputs   = "inputs"
	StageEvaluate = "evaluate"
	StageBuild    = "build"
	StageExport   = "export"
)

// Event says what is going on. The last one of a stage has Took.
type Event struct {
	Stage string
	// Text is one line, for people.
	Text string
	// Done of Total, where both are known: derivations built, in StageBuild.
	Done, Total int
	// Took is how long the stage took, in its last event.
	Took time.Duration
}

// Stage is how long a part of a build took.
type Stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// session is the state of Open and Build: options filled in, and the clock of
// the stages.
type session struct {
	o      Options
	r      Recipe
	img    *image.Image
	accel  Verdict
	stages []Stage
	onExec func(wire.Exec)
}

func (s *session) say(e Event) {
	if s.o.Progress != nil {
		s.o.Progress(e)
	}
}

// stage runs one part of a build and keeps how long it took.
func (s *session) stage(name, text string, do func() error) error {
	start := time.Now()
	s.say(Event{Stage: name, Text: text})
	err := do()
	took := time.Since(start)
	s.stages = append(s.stages, Stage{name, float64(took.Milliseconds()) / 1000})
	if err == nil {
		s.say(Event{Stage: name, Text: "done", Took: took})
	}
	return err
}

// Open boots a guest of the size that a recipe asks for, with Nix configured
// and nothing built. The caller closes it.
func Open(ctx context.Context, r Recipe, o Options) (*Machine, error) {
	s := &session{o: o, r: r}
	return s.open(ctx)
}

// prepare gets the image and decides on the accelerator.
func (s *session) prepare(ctx context.Context) (err error) {
	if err := s.r.Check(); err != nil {
		return err
	}
	if s.o.CacheDir, err = s.o.cache(); err != nil {
		return err
	}
	if _, err := qemu.Find(); err != nil {
		return err
	}
	if err := s.stage(StageImage, "looking for the guest's image", func() (err error) {
		s.img, err = image.Ensure(ctx, image.Options{
			Dir: s.o.CacheDir, Agent: s.o.Agent, Packages: s.r.Packages, Kernel: s.o.KernelPackage, Refresh: s.o.Refresh,
			Progress: func(t string) { s.say(Event{Stage: StageImage, Text: t}) },
		})
		return err
	}); err != nil {
		return err
	}
	return s.stage(StageProbe, "finding out whether KVM can be used", func() (err error) {
		s.accel, err = Accelerate(ctx, s.o.Accel, s.o.CacheDir, s.img)
		if err == nil {
			s.say(Event{Stage: StageProbe, Text: fmt.Sprintf("guests run on %s: %s", s.accel.Accel, s.accel.Why)})
		}
		return err
	})
}

func (s *session) open(ctx context.Context) (*Machine, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	var m *Machine
	err := s.stage(StageBoot, "booting the guest", func() (err error) {
		m, err = Boot(ctx, s.config())
		if errors.Is(err, ErrPanic) && s.accel.Accel == qemu.TCG {
			// Some emulators break some kernels now and then: QEMU 7.2
			// was seen to fail one boot in ten of Linux 6.12. Nothing has
			// been built yet, so a second try can't hide anything.
			s.say(Event{Stage: StageBoot, Text: err.Error() + ": trying once more"})
			m, err = Boot(ctx, s.config())
		}
		if err != nil {
			return err
		}
		if err = m.configure(ctx, s.nixConf(m)); err != nil {
			_ = m.Close() // the first error is the one to report
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// config is the machine that recipe and options ask for.
func (s *session) config() Config {
	pick := func(override, own, last int) int {
		if override != 0 {
			return override
		}
		if own != 0 {
			return own
		}
		return last
	}
	return Config{
		Image: s.img, Accel: s.accel.Accel,
		CPUs:     pick(s.o.CPUs, s.r.CPUs, runtime.NumCPU()),
		MemoryMB: pick(s.o.MemoryMB, s.r.MemoryMB, 1024),
		DiskMB:   pick(s.o.DiskGB, s.r.DiskGB, 8) << 10,
		DiskDir:  filepath.Join(s.o.CacheDir, "disks"),
		Network:  s.r.Network, Clock: s.o.Clock,
		QEMU: s.o.QEMU, Append: s.o.Kernel, MakeFS: s.o.MakeFS,
		BootTimeout: s.o.BootTimeout, HangAfter: s.o.HangAfter,
		Console: s.o.Console, OnExec: s.onExec,
	}
}
