package lookup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	maxOutput = 256 << 10 // bytes that a program may print
	maxNoise  = 4 << 10   // bytes of its standard error that are kept
	unwind    = time.Second
)

// Exec asks a program: each line that it prints is an address, host:port.
type Exec struct{ command []string }

// NewExec returns a provider that runs command, a program and its arguments, no
// shell. The program has the environment of this process and no input.
func NewExec(command []string) (*Exec, error) {
	if len(command) == 0 || command[0] == "" {
		return nil, errors.New("exec: no program given")
	}
	return &Exec{command: command}, nil
}

// Name returns "exec " and the program without its folder. Arguments may be
// secrets.
func (e *Exec) Name() string { return "exec " + brief(filepath.Base(e.command[0])) }

// Lookup runs the program to its end. When ctx ends, or it prints more than 256
// KiB, it is killed, and on Unix what it has started and left in its process group.
// A program that fails has yielded nothing; one that prints some bad lines has
// yielded the others.
func (e *Exec) Lookup(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := &capped{limit: maxOutput, full: func() { cancel(errors.New("printed more than 256 KiB")) }}
	noise := &capped{limit: maxNoise}
	cmd := exec.CommandContext(ctx, e.command[0], e.command[1:]...)
	cmd.Stdout, cmd.Stderr = out, noise
	cmd.WaitDelay = unwind
	ended := asGroup(cmd)
	err := cmd.Run()
	ended()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well; something it started has its output open
	}
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return nil, fmt.Errorf("killed: %w", cause)
	case err != nil && noise.buf.Len() > 0:
		return nil, fmt.Errorf("%w: %s", err, brief(noise.buf.String()))
	case err != nil:
		return nil, err
	}
	return parseLines(out.buf.String())
}

// parseLines reads one address per line; empty lines are skipped. The error tells
// of the first bad line.
func parseLines(text string) (addrs []string, err error) {
	n, bad := 0, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if e := checkAddr(line); e != nil {
			if bad++; bad == 1 {
				err = fmt.Errorf("line %d: %w", n, e)
			}
			continue
		}
		if len(addrs) == MaxAddrs {
			return addrs, errTooMany
		}
		addrs = append(addrs, line)
	}
	if bad > 1 {
		err = fmt.Errorf("%w (and %d more bad lines)", err, bad-1)
	}
	return addrs, err
}

// capped keeps the first limit bytes of what is written to it.
type capped struct {
	buf   bytes.Buffer // not embedded: its ReadFrom knows no limit
	limit int
	full  func() // called when more came; may be nil
}

func (c *capped) Write(p []byte) (int, error) {
	room := c.limit - c.buf.Len()
	c.buf.Write(p[:min(len(p), room)])
	if len(p) > room && c.full != nil {
		c.full()
	}
	return len(p), nil
}
