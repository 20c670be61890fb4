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
	"syscall"
	"time"
)

// child is a process of ours that runs a part.
type child struct {
	name    string
	role    string
	at      string // where others reach it
	frozen  bool
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan answer // closed when the process says no more
}

// roleArg is the argument that makes this program a worker.
const roleArg = "part-of-a-benchmark"

// spawn starts a process and its part.
func spawn(ctx context.Context, s setup) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{name: fmt.Sprintf("%s %s %d", s.Peer, s.Role, s.Number), role: s.Role, answers: make(chan answer, 1)}
	c.cmd = exec.Command(self, roleArg)
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = tied()
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
	go c.listen(out)
	a, err := c.call(ctx, command{Op: "start", Setup: &s})
	if err != nil {
		c.stop()
		return nil, err
	}
	c.at = a.At
	return c, nil
}

func (c *child) listen(out io.Reader) {
	defer close(c.answers)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			a = answer{Error: fmt.Sprintf("said %q", lines.Text())}
		}
		c.answers <- a
	}
}

// tell sends a command whose answer hear takes.
func (c *child) tell(cmd command) error {
	line, err := json.Marshal(cmd)
	if err != nil {
		return err
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}

func (c *child) hear(ctx context.Context) (answer, error) {
	late := time.NewTimer(2 * runTimeout)
	defer late.Stop()
	select {
	case a, ok := <-c.answers:
		if !ok {
			return a, fmt.Errorf("%s ended", c.name)
		}
		if a.Error != "" {
			return a, fmt.Errorf("%s: %s", c.name, a.Error)
		}
		return a, nil
	case <-ctx.Done():
		return answer{}, context.Cause(ctx)
	case <-late.C:
		return answer{}, fmt.Errorf("%s does not answer", c.name)
	}
}

func (c *child) call(ctx context.Context, cmd command) (answer, error) {
	if err := c.tell(cmd); err != nil {
		return answer{}, err
	}
	return c.hear(ctx)
}

// freeze stops the process where it is. It is of no use after that but to be stopped.
func (c *child) freeze() error {
	c.frozen = true
	return c.cmd.Process.Signal(syscall.SIGSTOP)
}

// stop ends the process and waits for it.
func (c *child) stop() {
	_ = c.in.Close()
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Fprintf(os.Stderr, "bench: %s: %v\n", c.name, err)
	}
	for range c.answers { // until it has ended
	}
	_ = c.cmd.Wait() // killed
}
