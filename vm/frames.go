package vm

import (
	"fmt"
	"io"

	"fromsource/vm/wire"
)

// frames handles what the guest says. It never blocks on anything but the
// channel: streams have their own buffers.
func (m *Machine) frames(r *wire.Reader) error {
	greeted := false
	for {
		f, payload, err := r.Next()
		if err != nil {
			return err
		}
		m.mu.Lock()
		m.heard = true
		m.mu.Unlock()
		if greeted == (f.T == "hello") {
			return fmt.Errorf("%w: %q at the wrong time", wire.ErrProtocol, f.T)
		}
		switch f.T {
		case "hello":
			if f.V != wire.Version {
				return fmt.Errorf("%w: the guest speaks version %d, this fromsource version %d", wire.ErrProtocol, f.V, wire.Version)
			}
			if f.Info != nil {
				m.Hello, m.state = *f.Info, *f.Info
			}
			greeted = true
			close(m.hello)
		case "beat":
			if f.Info != nil {
				m.mu.Lock()
				m.state = *f.Info
				m.mu.Unlock()
			}
		case "event":
			m.event(f)
		case "exec":
			if f.Exec != nil && m.cfg.OnExec != nil {
				m.cfg.OnExec(*f.Exec)
			}
		case "bye":
			m.mu.Lock()
			m.bye = true
			m.mu.Unlock()
		case "data", "eof", "ack", "done":
			if err := m.answer(f, payload); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: unknown message %q", wire.ErrProtocol, f.T)
		}
	}
}

// maxEvents bounds what is kept of a guest that never stops complaining.
const maxEvents = 100

func (m *Machine) event(f wire.Msg) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch f.Event {
	case "oom":
		if len(m.ooms) < maxEvents {
			m.ooms = append(m.ooms, f.Detail)
		}
	case "exec-watch-ended":
		m.watchEnd = f.Detail
	}
}

// answer gives a message to the request it belongs to.
func (m *Machine) answer(f wire.Msg, payload []byte) error {
	m.mu.Lock()
	c := m.calls[f.ID]
	if f.T == "done" {
		delete(m.calls, f.ID)
	}
	m.mu.Unlock()
	if c == nil {
		return fmt.Errorf("%w: %q for request %d, which is not open", wire.ErrProtocol, f.T, f.ID)
	}
	switch f.T {
	case "ack":
		if c.out == nil || f.Stream != wire.Stdin {
			return fmt.Errorf("%w: ack for %q of request %d", wire.ErrProtocol, f.Stream, f.ID)
		}
		return c.out.Ack(f.N)
	case "done":
		return c.finish(f)
	}
	in := c.in[f.Stream]
	if in == nil {
		return fmt.Errorf("%w: %q for %q of request %d", wire.ErrProtocol, f.T, f.Stream, f.ID)
	}
	if f.T == "eof" {
		in.End(io.EOF)
		c.ends++
		return nil
	}
	return in.Data(payload)
}
