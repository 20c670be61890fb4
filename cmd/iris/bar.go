package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bar shows how far the sending of a file is: on a terminal, and at most ten
// times a second. A nil bar shows nothing. Owned by one goroutine.
type bar struct {
	w             io.Writer
	now           func() time.Time
	total, done   int64
	start, shown  time.Time
	colour, reset string
}

// newBar returns a bar for so many octets; nil if w is no terminal or the length
// is not known.
func newBar(w io.Writer, total int64) *bar {
	if total == 0 || !isTerminal(w) {
		return nil
	}
	b := &bar{w: w, now: time.Now, total: total, start: time.Now()}
	b.colour, b.reset, _ = strings.Cut(paint(w, green, "|"), "|")
	return b
}

func (b *bar) add(n int) {
	if b == nil {
		return
	}
	b.done += int64(n)
	if now := b.now(); now.Sub(b.shown) >= 100*time.Millisecond {
		b.shown = now
		b.draw()
	}
}

// end leaves the last state on the terminal.
func (b *bar) end() {
	if b == nil {
		return
	}
	b.draw()
	fmt.Fprintln(b.w)
}

func (b *bar) draw() {
	const width = 30
	part := min(float64(b.done)/float64(b.total), 1)
	full := int(part * width)
	rate := 0.0
	if d := b.now().Sub(b.start).Seconds(); d > 0 {
		rate = float64(b.done) / d
	}
	// The blanks cover what a longer line left there.
	fmt.Fprintf(b.w, "\r%5.1f %% [%s%s%s%s] %s of %s, %s/s    ", part*100, b.colour, strings.Repeat("#", full), b.reset,
		strings.Repeat(".", width-full), octets(float64(b.done)), octets(float64(b.total)), octets(rate))
}

// octets writes an amount with a unit.
func octets(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	u := 0
	for n >= 1024 && u < len(units)-1 {
		n /= 1024
		u++
	}
	if u == 0 {
		return fmt.Sprintf("%.0f %s", n, units[u])
	}
	return fmt.Sprintf("%.1f %s", n, units[u])
}
