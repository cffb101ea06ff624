package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Event is something QEMU said unasked.
type Event struct {
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// QMP speaks QEMU's machine protocol (docs/interop/qmp-spec.rst in QEMU).
type QMP struct {
	w io.Writer

	mu      sync.Mutex
	next    int
	waiting map[string]chan reply
	events  map[string]Event // the last of each name
	ended   error
}

type reply struct {
	Return json.RawMessage
	Err    error
}

// maxQMPLine bounds a line of QMP, which is a line of ours to a QEMU of ours.
const maxQMPLine = 4 << 20

// newQMP answers on rw until it ends, and then calls end.
func newQMP(rw io.ReadWriteCloser, end func()) *QMP {
	q := &QMP{w: rw, waiting: map[string]chan reply{}, events: map[string]Event{}}
	go func() {
		defer end()
		q.read(rw)
	}()
	return q
}

func (q *QMP) read(r io.ReadCloser) {
	// So that a command that is being written ends too.
	defer r.Close()
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxQMPLine)
	err := io.EOF
	for s.Scan() {
		var m struct {
			Event
			ID     string          `json:"id"`
			Return json.RawMessage `json:"return"`
			Error  *struct {
				Class string `json:"class"`
				Desc  string `json:"desc"`
			} `json:"error"`
		}
		if err = json.Unmarshal(s.Bytes(), &m); err != nil {
			err = fmt.Errorf("reading QMP: %w", err)
			break
		}
		err = io.EOF
		q.mu.Lock()
		switch {
		case m.Event.Event != "":
			q.events[m.Event.Event] = Event{m.Event.Event, append(json.RawMessage{}, m.Event.Data...)}
		case m.ID != "" && q.waiting[m.ID] != nil:
			rep := reply{Return: append(json.RawMessage{}, m.Return...)}
			if m.Error != nil {
				rep.Err = fmt.Errorf("%s: %s", m.Error.Class, m.Error.Desc)
			}
			q.waiting[m.ID] <- rep
			delete(q.waiting, m.ID)
		}
		q.mu.Unlock()
	}
	if serr := s.Err(); serr != nil && errors.Is(err, io.EOF) {
		err = fmt.Errorf("reading QMP: %w", serr)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = err
	for id, c := range q.waiting {
		c <- reply{Err: err}
		delete(q.waiting, id)
	}
}

// Do runs a command and gives what it returned.
func (q *QMP) Do(ctx context.Context, command string) (json.RawMessage, error) {
	q.mu.Lock()
	if q.ended != nil {
		defer q.mu.Unlock()
		return nil, fmt.Errorf("QMP %s: %w", command, q.ended)
	}
	q.next++
	id := fmt.Sprintf("fs-%d", q.next)
	c := make(chan reply, 1)
	q.waiting[id] = c
	q.mu.Unlock()
	line, err := json.Marshal(map[string]string{"execute": command, "id": id})
	if err != nil {
		return nil, err
	}
	if _, err := q.w.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("QMP %s: %w", command, err)
	}
	select {
	case r := <-c:
		if r.Err != nil {
			return nil, fmt.Errorf("QMP %s: %w", command, r.Err)
		}
		return r.Return, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("QMP %s: %w", command, ctx.Err())
	}
}

// Seen gives the last event of a name.
func (q *QMP) Seen(event string) (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.events[event]
	return e, ok
}
