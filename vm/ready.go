package vm

import "context"

// CPUs is how many processors the machine has.
func (m *Machine) CPUs() int { return max(m.cfg.CPUs, 1) }

// MemoryMB is the machine's memory in MiB.
func (m *Machine) MemoryMB() int { return m.cfg.MemoryMB }

// Ready boots a guest as Open does, and puts the recipe's files and inputs
// into it: its fixed-output derivations can be built there. Nothing is
// evaluated and nothing built. The caller closes it.
func Ready(ctx context.Context, r Recipe, o Options) (*Machine, error) {
	s := &session{o: o, r: r}
	m, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	err = s.stage(StageInputs, "copying the recipe and its inputs", func() error { return s.inputs(ctx, m) })
	if err != nil {
		_ = m.Close() // the first error is the one to report
		return nil, err
	}
	return m, nil
}
