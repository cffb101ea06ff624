package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// The bounds of the protocol.
const (
	// Version is what hello carries; a host talks to no other.
	Version = 1
	// MaxLine bounds the JSON line of a frame, in bytes, newline included.
	MaxLine = 1 << 20
	// MaxPayload bounds the bytes after a line.
	MaxPayload = 1 << 20
	// Chunk is how much data a sender puts into one frame: what the guest's
	// port driver takes in one write.
	Chunk = 32 << 10
	// Window is how many bytes of one stream may be outstanding.
	Window = 1 << 20
	// BeatEvery is the time between two heartbeats.
	BeatEvery = 2 * time.Second
)

// Streams of a request.
const (
	Stdin  = "stdin"
	Stdout = "stdout"
	Stderr = "stderr"
)

// Msg is the JSON line of a frame. Which fields matter depends on T; see the
// documentation of the package.
type Msg struct {
	T  string `json:"t"`
	ID uint32 `json:"id,omitempty"`
	// Len is the number of bytes that follow the line. Send sets it.
	Len int `json:"len,omitempty"`

	V      int      `json:"v,omitempty"`
	Argv   []string `json:"argv,omitempty"`
	Env    []string `json:"env,omitempty"`
	Dir    string   `json:"dir,omitempty"`
	Stdin  bool     `json:"stdin,omitempty"`
	TTY    bool     `json:"tty,omitempty"`
	Path   string   `json:"path,omitempty"`
	Mode   uint32   `json:"mode,omitempty"`
	Stream string   `json:"s,omitempty"`
	N      int      `json:"n,omitempty"`
	Exit   int      `json:"exit,omitempty"`
	Signal int      `json:"signal,omitempty"`
	Size   int64    `json:"size,omitempty"`
	SHA256 string   `json:"sha256,omitempty"`
	Error  string   `json:"error,omitempty"`
	Event  string   `json:"event,omitempty"`
	Detail string   `json:"detail,omitempty"`
	Info   *Info    `json:"info,omitempty"`
	Exec   *Exec    `json:"exec,omitempty"`
}

// Info is the state of a guest, in hello and in heartbeats.
type Info struct {
	// Kernel is the release of the running kernel; in hello only.
	Kernel string `json:"kernel,omitempty"`
	// ExecWatch says why programs executed by builds are not recorded, and is
	// empty where they are; in hello only.
	ExecWatch string `json:"execWatch,omitempty"`
	// Uptime is in milliseconds since the kernel started.
	Uptime int64 `json:"uptime,omitempty"`
	// DiskTotal and DiskFree are bytes of the file system that holds the
	// store; LowDisk is the least DiskFree seen so far.
	DiskTotal int64 `json:"diskTotal,omitempty"`
	DiskFree  int64 `json:"diskFree,omitempty"`
	LowDisk   int64 `json:"lowDisk,omitempty"`
	// MemTotal and MemFree are bytes of memory, MemFree as the kernel's
	// MemAvailable.
	MemTotal int64 `json:"memTotal,omitempty"`
	MemFree  int64 `json:"memFree,omitempty"`
}

// Exec is one program that a build executed, or one file of bytecode that it
// opened.
type Exec struct {
	// Drv is the store path of the derivation being built, where the guest
	// could tell; Output is the value of the build's $out, where seen.
	Drv    string `json:"drv,omitempty"`
	Output string `json:"output,omitempty"`
	// Path is the file executed, as the build's sandbox names it. Scripts
	// appear, and so do their interpreters and dynamic loaders.
	Path string `json:"path"`
	// SHA256 is the hex hash of the file, for files outside the store.
	SHA256 string `json:"sha256,omitempty"`
	// By is set where the file was opened and not executed: the program that
	// opened it. Of what lies in the store and was not named to that program,
	// Path is only the store path.
	By string `json:"by,omitempty"`
	// As is how the program was started with the file: the option before it,
	// such as -jar, "argument" where it is the first one without an option, or
	// "" where the command line does not name it.
	As string `json:"as,omitempty"`
	// Opens says that what this build opens is on record as well, as far as it
	// begins as bytecode does.
	Opens bool `json:"opens,omitempty"`
}

// ErrProtocol is wrapped by every error about bytes that are no frame, or a
// frame that must not be there.
var ErrProtocol = errors.New("guest protocol violated")

// Reader reads frames. It is for one goroutine.
type Reader struct {
	r   *bufio.Reader
	at  int64
	buf []byte
}

// NewReader reads frames from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 64<<10)}
}

// Next returns the next frame. The payload is valid until the next call.
// At the end of input between frames the error is io.EOF; inside one it wraps
// io.ErrUnexpectedEOF; all else that is wrong wraps ErrProtocol.
func (r *Reader) Next() (Msg, []byte, error) {
	start := r.at
	line, err := r.line()
	if err != nil {
		return Msg{}, nil, err
	}
	var m Msg
	if err := json.Unmarshal(line, &m); err != nil {
		return Msg{}, nil, fmt.Errorf("%w: at byte %d: not a JSON line: %q", ErrProtocol, start, clip(line))
	}
	if m.T == "" {
		return Msg{}, nil, fmt.Errorf("%w: at byte %d: message without a type: %q", ErrProtocol, start, clip(line))
	}
	if m.Len < 0 || m.Len > MaxPayload {
		return Msg{}, nil, fmt.Errorf("%w: at byte %d: payload of %d bytes, at most %d allowed", ErrProtocol, start, m.Len, MaxPayload)
	}
	if m.Len == 0 {
		return m, nil, nil
	}
	if cap(r.buf) < m.Len {
		r.buf = make([]byte, max(m.Len, Chunk))
	}
	p := r.buf[:m.Len]
	n, err := io.ReadFull(r.r, p)
	r.at += int64(n)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Msg{}, nil, fmt.Errorf("reading a payload of %d bytes at byte %d: %w", m.Len, r.at, err)
	}
	return m, p, nil
}

// line reads up to a newline, bounded.
func (r *Reader) line() ([]byte, error) {
	var whole []byte
	start := r.at
	for {
		part, err := r.r.ReadSlice('\n')
		r.at += int64(len(part))
		if len(whole)+len(part) > MaxLine {
			return nil, fmt.Errorf("%w: at byte %d: line longer than %d bytes", ErrProtocol, start, MaxLine)
		}
		switch {
		case err == nil && whole == nil:
			return part, nil
		case err == nil:
			return append(whole, part...), nil
		case errors.Is(err, bufio.ErrBufferFull):
			whole = append(whole, part...)
		case errors.Is(err, io.EOF) && len(whole)+len(part) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("reading a line at byte %d: %w", start, io.ErrUnexpectedEOF)
		default:
			return nil, err
		}
	}
}

// clip shortens untrusted bytes for a message.
func clip(b []byte) []byte {
	b = bytes.TrimRight(b, "\n")
	if len(b) > 80 {
		return b[:80]
	}
	return b
}

// Writer writes frames. It may be used by several goroutines: frames are
// never mixed.
type Writer struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
	err error
}

// NewWriter writes frames to w, one Write call each.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Send writes one frame with its payload. After an error nothing more is
// written, since half a frame can't be taken back.
func (w *Writer) Send(m Msg, payload []byte) error {
	if len(payload) > MaxPayload {
		return fmt.Errorf("sending %q: payload of %d bytes, at most %d allowed", m.T, len(payload), MaxPayload)
	}
	m.Len = len(payload)
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("sending %q: %w", m.T, err)
	}
	if len(line)+1 > MaxLine {
		return fmt.Errorf("sending %q: line of %d bytes, at most %d allowed", m.T, len(line)+1, MaxLine)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	w.buf = append(append(append(w.buf[:0], line...), '\n'), payload...)
	if _, err := w.w.Write(w.buf); err != nil {
		w.err = fmt.Errorf("sending %q: %w", m.T, err)
		return w.err
	}
	return nil
}
