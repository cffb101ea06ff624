package content

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/format"
	"fromsource/analyze/content/stream"
)

// leaf reads a file that is neither container nor compiled, to its end: is it
// text, does it carry something further in.
func (w *walker) leaf(n *node, f *File) {
	text, script, sealed := true, false, false
	found := len(w.res.Members) + len(w.res.Skipped)
	var opaque format.Match
	for first := true; w.stop == nil; first = false {
		b := n.in.Chunk()
		if len(b) == 0 {
			break
		}
		if first {
			script = len(b) > 2 && b[0] == '#' && b[1] == '!'
		}
		last := len(b) < stream.Window
		isText, consumed := w.text(n, f, b, last)
		if consumed {
			continue
		}
		if isText {
			if first && w.o.Visit != nil {
				f.Generated = generated(n.path, b)
			}
			if !last { // what begins at the end of a window
				b = b[:len(b)-minEncoded]
			}
			n.in.Advance(len(b))
			continue
		}
		if script && text {
			text, sealed = false, opaqueTail(b)
			if w.lzmaBehind(n, b) {
				continue
			}
		}
		text = false
		if first {
			f.Generated = format.IsText(b[:min(len(b), 1024)]) && generated(n.path, b)
			if f.Format == "" {
				w.hash(n) // what it is may only be known at its end
				opaque, _ = format.Opaque(n.path, b)
			}
		}
		if !f.Embedded {
			w.wide(n, f, b)
		}
		if !f.Embedded && f.Format == "" {
			if at := wasmLiteral(b); at >= 0 {
				f.Kind, f.Embedded, f.Confidence, f.Format = audit.Bytecode, true, audit.Medium, "wasm"
				f.Detail = fmt.Sprintf("wasm in a string of a script at byte %d", n.in.Off()+int64(at))
			}
		}
		if !f.Embedded && w.disguised(n, f, b, first, last) {
			continue
		}
		if !f.Embedded && w.texts(n, f, b) {
			continue
		}
		w.payloads(n, b, last, first)
	}
	if sealed && f.Kind == "" && found == len(w.res.Members)+len(w.res.Skipped) {
		w.skip(n.path, "a script with bytes behind it that are of no known format")
	}
	switch {
	case f.Kind != "" || f.Format != "":
	case opaque.Compiled():
		f.Format, f.Kind, f.Confidence, f.Detail = opaque.Name, opaque.Kind, opaque.Confidence, opaque.Detail
	case text:
		f.Format = "text"
	default:
		f.Format = "data"
	}
}

// piece is how much of a text is looked at in one go, while it is in the
// processor's cache.
const piece = 16 << 10

// text says whether a window is text, and looks for what it carries; consumed
// is true where that has taken some of the input.
func (w *walker) text(n *node, f *File, b []byte, last bool) (isText, consumed bool) {
	next := sampleStep / 2
	for p := 0; p < len(b); p += piece {
		end := min(len(b), p+piece)
		if !format.IsText(b[p:end]) {
			return false, false
		}
		if !f.Embedded {
			if next, consumed = w.carried(n, f, b, next, end, last); consumed {
				return true, true
			}
		}
	}
	return true, false
}

// line is the unit in which text is looked for in data.
const line = 1 << 10

// texts looks for what the text in a window of other data carries: a script in
// a package's header, a value in a database, what follows a picture. It is true
// where that has taken some of the input.
func (w *walker) texts(n *node, f *File, b []byte) bool {
	for i := 0; i+2*line <= len(b); i += line {
		end := i
		for end+line <= len(b) && format.IsText(b[end:end+line]) {
			end += line
		}
		if end-i < 2*line || uniform(b[i:i+line]) {
			i = max(i, end-line)
			continue
		}
		if _, consumed := w.carried(n, f, b[:end], i+sampleStep/2, end, true); consumed || f.Embedded {
			return consumed
		}
		i = end
	}
	return false
}

// wasmLiteral returns where a module of WebAssembly begins that a script has as a
// string, its bytes as characters: in UTF-8 those from 128 on are two bytes, so
// that it is none as it stands. What makes one file of two writes it so
// (Emscripten's SINGLE_FILE), and what shrinks scripts spells some of it.
// Negative where there is none.
func wasmLiteral(b []byte) int {
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], []byte("asm\x01"))
		if i < 0 {
			return -1
		}
		at += i
		for _, zero := range []string{"\x00", `\0`, `\x00`} {
			k := at - len(zero)
			if k > 0 && (b[k-1] == '\'' || b[k-1] == '"' || b[k-1] == '`') && string(b[k:at]) == zero && bytes.HasPrefix(b[at+4:], []byte(zero+zero+zero)) {
				return k
			}
		}
	}
}

// overlap is how much of a window is kept to see what begins near its end.
const overlap = 4 << 10

// payloads searches a window for the beginning of something that is compiled
// or a container, and advances past what it has seen.
func (w *walker) payloads(n *node, b []byte, last, first bool) {
	i := 0
	if first {
		i = 1 // the file itself was looked at
	}
	for i < len(b) {
		k := candidate(b[i:])
		if k < 0 {
			break
		}
		i += k
		if !last && len(b)-i < overlap {
			n.in.Advance(i)
			w.payloadAt(n)
			return
		}
		if b[i] == 'x' && !strong("zlib", b[i:]) { // of many pictures
			i++
			continue
		}
		rest := int64(-1)
		if r := n.in.Remain(); r >= 0 {
			rest = r - int64(i)
		}
		if m := format.Detect("", b[i:], rest); m.Marked() || m.Container && strong(m.Name, b[i:]) {
			n.in.Advance(i)
			w.payloadAt(n)
			return
		}
		i++
	}
	keep := 0
	if !last {
		keep = tail
	}
	n.in.Advance(len(b) - keep)
}

// tail is how much of a window is kept for the next one: as much as Trailer wants
// to see of a file's end, which is more than the longest magic.
const tail = 512

// opaqueTail says whether text goes over into bytes that are compressed or
// otherwise not to be read, by how many control characters there are.
func opaqueTail(b []byte) bool {
	tail := b[firstControl(b):]
	if len(tail) < 512 {
		return false
	}
	n := 0
	for _, c := range tail {
		if c < '\a' {
			n++
		}
	}
	return n >= len(tail)/100
}

// firstControl is the offset of the first byte that text does not have.
func firstControl(b []byte) int {
	for i, c := range b {
		if c < '\a' {
			return i
		}
	}
	return len(b)
}

// lzmaBehind looks into a stream of the old LZMA format behind a script. It has
// no magic: only there, where the text ends, its header says enough.
func (w *walker) lzmaBehind(n *node, b []byte) bool {
	i := firstControl(b) - 1 // the first byte is a character
	if i <= 0 || b[i-1] != '\n' || format.Detect("", b[i:], -1).Name != "lzma" {
		return false
	}
	n.in.Advance(i)
	w.payload(n)
	return true
}

// payloadAt looks at what begins where the node's input stands, and is left
// behind it, or one byte further where nothing does.
func (w *walker) payloadAt(n *node) {
	b := n.in.Chunk()
	m := format.Detect("", b, n.in.Remain())
	if !m.Marked() && !(m.Container && strong(m.Name, b)) {
		n.in.Advance(1)
		return
	}
	w.payload(n)
}

// payload looks at something that begins where the node's input stands, and at
// all that follows it.
func (w *walker) payload(n *node) {
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not searched further", w.o.MaxDepth))
		_ = n.in.Drain() // a read error is noted by the caller
		return
	}
	path := fmt.Sprintf("%s/@%d", n.path, n.in.Off())
	w.file(&node{path: path, in: n.in.Sub(-1), depth: n.depth + 1, guess: true})
}

// overlay looks at what follows the end of a compiled file: at b, or at the
// rest of the input where b is nil.
func (w *walker) overlay(n *node, b []byte, off int64) {
	in := n.in.Sub(-1)
	if b != nil {
		if t := bytes.TrimLeft(b, "\x00"); len(t) < 16 {
			return
		}
		in = stream.New(bytes.NewReader(b), int64(len(b)))
		defer in.Close()
	} else if len(in.Peek(16)) < 16 {
		return
	}
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not searched further", w.o.MaxDepth))
		return
	}
	w.file(&node{path: fmt.Sprintf("%s/@%d", n.path, off), in: in, depth: n.depth + 1, layer: true, guess: true})
}

// strong says whether a container's header is worth a try in the middle of
// other data: short magics need a second look.
func strong(name string, b []byte) bool {
	switch name {
	case "gzip":
		// XFL is 0, 2 or 4, and the operating system is a known one (RFC 1952).
		return len(b) > 18 && (b[8] == 0 || b[8] == 2 || b[8] == 4) && (b[9] <= 13 || b[9] == 255)
	case "zip":
		return len(b) > 30 && b[4] <= 63 && b[5] <= 20 && b[26]|b[27] != 0 && b[27] < 16
	case "zlib":
		out, _ := format.Deflated(b)
		return telling(out)
	case "compress":
		return telling(unLzw(b))
	case "xz", "bzip2", "zstd", "lz4", "lzip", "7z", "squashfs", "cpio", "tar", "rar", "ar", "deb", "rpm", "nar",
		"lzop", "cab", "rar4", "git-pack":
		return true
	}
	return false
}

// telling says whether what some bytes are unpacked to shows that they were
// packed: it begins as something that is compiled, or a container.
func telling(out []byte) bool {
	if len(out) == 0 {
		return false
	}
	m := format.Detect("", out, -1)
	return m.Marked() || m.Container && m.Name != "zlib" && m.Name != "compress" && strong(m.Name, out)
}

// unLzw unpacks the beginning of what compress has packed.
func unLzw(b []byte) []byte {
	z, err := archive.NewLzw(bufio.NewReader(bytes.NewReader(b[:min(len(b), 4<<10)])))
	if err != nil {
		return nil
	}
	out := make([]byte, 512)
	n, _ := io.ReadFull(z, out) // what there is of it tells
	return out[:n]
}
