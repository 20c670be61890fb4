package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"iris/node/relay/packet"
)

// program is a command that answers requests: one process each.
type program struct {
	words   []string
	cluster string
	err     io.Writer // gets the standard error of all
}

// errLong is that of a program which says more than fits into a reply.
var errLong = fmt.Errorf("more than %d octets", packet.DefaultMessage)

// run gives a request to the standard input of the program and returns its
// standard output. It kills the program when ctx ends.
func (p *program) run(ctx context.Context, request []byte) ([]byte, error) {
	var reply, last bounded
	reply.most, reply.overflow = packet.DefaultMessage, errLong
	last.most = 4 << 10
	cmd := exec.CommandContext(ctx, p.words[0], p.words[1:]...)
	cmd.Env = append(os.Environ(), "IRIS_CLUSTER="+p.cluster)
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stdout = &reply
	cmd.Stderr = io.MultiWriter(p.err, &last)
	cmd.WaitDelay = time.Second // for what it leaves behind with its pipes open
	asGroup(cmd)
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: %w", p.words[0], context.Cause(ctx))
	case reply.full:
		return nil, fmt.Errorf("%s: %w", p.words[0], errLong)
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return reply.b, nil
	}
	if line := lastLine(last.b); line != "" {
		return nil, fmt.Errorf("%s: %w: %s", p.words[0], err, line)
	}
	return nil, fmt.Errorf("%s: %w", p.words[0], err)
}

func lastLine(b []byte) string {
	text := strings.ToValidUTF8(strings.TrimSpace(string(b)), "?")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// bounded keeps what is written to it: up to most octets, then it fails, or keeps
// the end if there is nothing to fail with.
type bounded struct {
	b        []byte
	most     int
	overflow error
	full     bool // failed
}

// Write implements io.Writer.
func (w *bounded) Write(b []byte) (int, error) {
	w.b = append(w.b, b...)
	if over := len(w.b) - w.most; over > 0 {
		if w.overflow != nil {
			w.b, w.full = nil, true
			return 0, w.overflow
		}
		w.b = append(w.b[:0], w.b[over:]...)
	}
	return len(b), nil
}

// lockedWriter is a writer for many goroutines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer // guarded by mu
}

// Write implements io.Writer.
func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
