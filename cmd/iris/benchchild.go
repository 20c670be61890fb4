package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
)

// receiver is a part that this process talks to: another process, or itself.
type receiver interface {
	call(ctx context.Context, c benchCommand) (benchAnswer, error)
	stop()
}

// here is the part of this process as a receiver.
type here struct{ *benchPart }

func (h here) call(_ context.Context, c benchCommand) (benchAnswer, error) { return h.do(c), nil }
func (here) stop()                                                         {} // by whoever started the part

// benchChild is a part in a process of its own.
type benchChild struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan benchAnswer // closed when the process has ended
	addr    string
}

// benchPartUse is the hidden command that runs a part.
const benchPartUse = "part"

func spawnBenchChild(ctx context.Context, s benchSetup, errs io.Writer) (*benchChild, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &benchChild{cmd: exec.Command(self, "bench", benchPartUse), answers: make(chan benchAnswer, 1)}
	c.cmd.Args[0] = os.Args[0] // the name we go by
	c.cmd.Stderr = errs
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { // ends with the process, which stop waits for
		defer close(c.answers)
		for d := json.NewDecoder(out); ; {
			var a benchAnswer
			if d.Decode(&a) != nil {
				return
			}
			c.answers <- a
		}
	}()
	a, err := c.call(ctx, benchCommand{Op: "start", Setup: &s})
	if err != nil {
		c.stop()
		return nil, err
	}
	c.addr = a.Addr
	return c, nil
}

func (c *benchChild) call(ctx context.Context, cmd benchCommand) (benchAnswer, error) {
	if err := json.NewEncoder(c.in).Encode(cmd); err != nil {
		return benchAnswer{}, fmt.Errorf("a process of the benchmark: %w", err)
	}
	select {
	case a, ok := <-c.answers:
		if !ok {
			return a, errors.New("a process of the benchmark has ended")
		}
		if a.Error != "" {
			return a, errors.New(a.Error)
		}
		return a, nil
	case <-ctx.Done():
		return benchAnswer{}, context.Cause(ctx)
	}
}

// stop ends the process and waits for it.
func (c *benchChild) stop() {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill() // fails only if it has ended by itself
	for range c.answers {
	}
	_ = c.cmd.Wait() // killed
}

// newBenchPart is the command of such a process. It ends when its input does.
func newBenchPart(s streams) *cobra.Command {
	return &cobra.Command{
		Use: benchPartUse, Hidden: true, Args: noArgs,
		RunE: work(func([]string) error { return serveBenchPart(os.Stdin, s.out) }),
	}
}

func serveBenchPart(in io.Reader, out io.Writer) error {
	commands := make(chan benchCommand)
	go func() {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var c benchCommand
			if json.Unmarshal(lines.Bytes(), &c) != nil {
				break
			}
			commands <- c
		}
		os.Exit(exitOK) // whoever started us has ended or is done
	}()
	var part *benchPart
	answers := json.NewEncoder(out)
	for c := range commands {
		var a benchAnswer
		switch {
		case c.Op == "start" && c.Setup != nil && part == nil:
			p, err := startBenchPart(context.Background(), *c.Setup)
			if err != nil {
				return err
			}
			part, a.Addr = p, p.Addr().String()
		case part == nil:
			a.Error = "not started"
		default:
			a = part.do(c)
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return nil
}
