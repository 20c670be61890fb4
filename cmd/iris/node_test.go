package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// process is a running iris command.
type process struct {
	*exec.Cmd
	out *bufio.Reader
	err bytes.Buffer // complete after Wait
}

// startIris runs the command line in a process of its own, killed with the test.
func startIris(t *testing.T, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.CommandContext(t.Context(), exe)}
	p.Args = append([]string{"iris"}, args...) // the name selects the command; see TestMain
	p.Stderr = &p.err
	p.Dir = t.TempDir()
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

var readyLine = regexp.MustCompile(`^node [0-9a-f]{32} listening on (127\.0\.0\.1:\d+)\n$`)

// ready waits for the node to be up and returns its address.
func (p *process) ready(t *testing.T) string {
	t.Helper()
	line, err := p.out.ReadString('\n')
	m := readyLine.FindStringSubmatch(line)
	if err != nil || m == nil {
		_ = p.Wait()
		t.Fatalf("standard output %q, %v; standard error:\n%s", line, err, p.err.String())
	}
	return m[1]
}

func TestNodeRunsUntilSignal(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			p := startIris(t, "node")
			p.ready(t)
			if err := p.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(); err != nil {
				t.Errorf("%v; standard error:\n%s", err, p.err.String())
			}
			for _, want := range []string{"developer mode: random network name and key", "node stopping"} {
				if !strings.Contains(p.err.String(), want) {
					t.Errorf("no %q in\n%s", want, p.err.String())
				}
			}
		})
	}
}

func TestNodeWithConfig(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const secret = "c4n4ry: a secret that nobody may see in any output"
	p := startIris(t, "node", "-c", write("node.yaml", "network:\n  name: shop\n  secret: \""+secret+"\"\nlog: {format: json, level: debug}\n"))
	addr := p.ready(t)

	// The same address again: refused, and the error says which.
	q := startIris(t, "node", "-c", write("same.yaml", "listen: "+addr+"\n"))
	if err := q.Wait(); q.ProcessState.ExitCode() != exitFailed || !strings.Contains(q.err.String(), addr) {
		t.Errorf("a taken address: %v; standard error:\n%s", err, q.err.String())
	}
	// A mistake in the file: no node.
	q = startIris(t, "node", "-c", write("wrong.yaml", "lisen: :0\n"))
	if err := q.Wait(); q.ProcessState.ExitCode() != exitFailed || !strings.Contains(q.err.String(), "did you mean listen?") {
		t.Errorf("a wrong file: %v; standard error:\n%s", err, q.err.String())
	}

	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v; standard error:\n%s", err, p.err.String())
	}
	if text := p.err.String(); strings.Contains(text, "c4n4ry") || !strings.Contains(text, `"msg":"node stopping"`) || strings.Contains(text, "developer mode") {
		t.Errorf("standard error:\n%s", text)
	}
}

// stopFunc is a node of which only the end matters.
type stopFunc func(ctx context.Context) error

func (f stopFunc) Stop(ctx context.Context) error { return f(ctx) }

func TestSecondSignalCutsTheStopShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal)
		release := make(chan struct{})
		defer close(release)
		result := make(chan error, 1)
		go func() {
			result <- stopNode(stopFunc(func(context.Context) error { <-release; return nil }), time.Hour, signals)
		}()
		synctest.Wait()
		signals <- os.Interrupt // the echo of the first
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatalf("a signal sent twice ends the node: %v", err)
		case <-time.After(echo):
		}
		signals <- os.Interrupt
		if err := <-result; !errors.Is(err, errForced) {
			t.Errorf("got %v", err)
		}
	})
}

func TestStopHasADeadline(t *testing.T) {
	err := stopNode(stopFunc(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }), time.Millisecond, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := stopNode(stopFunc(func(context.Context) error { return nil }), time.Hour, nil); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestSignalWhileStarting wants a node that is told to stop before it is up to
// stop, not to fail.
func TestSignalWhileStarting(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	var out, errs bytes.Buffer
	if status := run([]string{"node"}, streams{&out, &errs}, signals); status != exitOK {
		t.Errorf("status %d; standard error:\n%s", status, errs.String())
	}
}
