package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"fromsource/analyze"
)

// progress shows long work: on a terminal one line that is drawn over, with
// stage, count, rate and what is being done; elsewhere a plain line when a
// stage begins or ends, and now and then between.
type progress struct {
	e     *env
	mu    sync.Mutex
	stage string
	began time.Time
	shown time.Time
	last  string
	drawn bool
	took  []stageTime
}

type stageTime struct {
	stage string
	took  time.Duration
}

// maxItem is how much is said of what is being done, in bytes.
const maxItem = 200

// How often a line is drawn over, and printed anew.
const (
	drawEvery  = 100 * time.Millisecond
	printEvery = 15 * time.Second
)

func newProgress(e *env) *progress { return &progress{e: e} }

// update says how far a stage is. A total of 0 means that it is not known.
func (p *progress) update(stage string, done, total int, item string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	begins := stage != p.stage
	if begins {
		p.endStage(now)
		p.stage, p.began = stage, now
	}
	line := p.line(now, done, total, item)
	every := printEvery
	if p.e.terminal {
		every = drawEvery
	}
	if !begins && now.Sub(p.shown) < every {
		p.last = line
		return
	}
	p.shown, p.last = now, line
	p.show(line)
}

func (p *progress) line(now time.Time, done, total int, item string) string {
	var b strings.Builder
	b.WriteString(p.stage)
	switch {
	case total > 0:
		fmt.Fprintf(&b, " %d/%d", done, total)
	case done > 0:
		fmt.Fprintf(&b, " %d", done)
	}
	if s := now.Sub(p.began).Seconds(); done > 0 && s >= 1 {
		fmt.Fprintf(&b, " (%.0f/s)", float64(done)/s)
	}
	if item != "" {
		item = printable(item)
		if len(item) > maxItem { // such as the names of a thousand inputs
			item = strings.ToValidUTF8(item[:maxItem], "") + "…"
		}
		b.WriteString(": " + item)
	}
	return b.String()
}

func (p *progress) show(line string) {
	if !p.e.terminal {
		p.e.say("%s", line)
		return
	}
	if f, ok := p.e.stderr.(interface{ Fd() uintptr }); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && len(line) >= w && w > 1 {
			line = line[:w-1]
		}
	}
	fmt.Fprintf(p.e.stderr, "\r\x1b[K%s", line)
	p.drawn = true
}

// endStage records how long the stage in hand took.
func (p *progress) endStage(now time.Time) {
	if p.stage == "" {
		return
	}
	p.took = append(p.took, stageTime{p.stage, now.Sub(p.began)})
	p.stage = ""
}

// note prints a line of its own between two states of the progress line.
func (p *progress) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.e.say(format, args...)
}

func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.e.stderr, "\r\x1b[K")
		p.drawn = false
	}
}

// end finishes the last stage and removes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endStage(time.Now())
	p.clear()
}

// times prints how long each stage took.
func (p *progress) times() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var parts []string
	for _, s := range p.took {
		parts = append(parts, fmt.Sprintf("%s %.1f s", s.stage, s.took.Seconds()))
	}
	if len(parts) > 0 {
		p.e.say("stages: %s", strings.Join(parts, ", "))
	}
}

// printable keeps a name from moving the cursor: control bytes become "?".
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '?'
		}
		return r
	}, s)
}

// event shows a step of an analysis.
func (p *progress) event(ev analyze.Event) { p.update(ev.Stage, ev.Done, ev.Total, ev.Item) }

// printableLines is printable for text of several lines.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = printable(l)
	}
	return strings.Join(lines, "\n")
}
