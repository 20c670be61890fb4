package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// Scripts have these commands beside those of testscript:
//
//	start NAME PROGRAM [ARG...]       run a program beside the script; its input is open
//	await NAME REGEXP [VARIABLE]      wait for its output to have this; keep the first group
//	feed NAME FILE                    write a file to its standard input
//	interrupt NAME                    send it what ctrl-c sends
//	close NAME                        close its standard input
//	finish NAME [STATUS]              wait for its end; stdout and stderr are its
//	status STATUS PROGRAM [ARG...]    run a program to its end
//	json FILE COUNT                   want so many objects of JSON and nothing else
//
// A program that hangs hangs the script, and go test ends that with all stacks.
func scriptCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"start": func(ts *testscript.TestScript, _ bool, args []string) {
			stage := stageOf(ts)
			if len(args) < 2 || stage[args[0]] != nil {
				ts.Fatalf("usage: start NAME PROGRAM [ARG...]")
			}
			stage[args[0]] = launch(ts, args[1], args[2:])
		},
		"await": func(ts *testscript.TestScript, _ bool, args []string) {
			if len(args) < 2 {
				ts.Fatalf("usage: await NAME REGEXP [VARIABLE]")
			}
			found := actorOf(ts, args[0]).await(ts, regexp.MustCompile("(?m)"+args[1]))
			if len(args) > 2 {
				ts.Setenv(args[2], found)
			}
		},
		"feed": func(ts *testscript.TestScript, _ bool, args []string) {
			_, err := actorOf(ts, args[0]).in.Write([]byte(ts.ReadFile(args[1])))
			ts.Check(err)
		},
		"close": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(actorOf(ts, args[0]).in.Close())
		},
		"interrupt": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(actorOf(ts, args[0]).cmd.Process.Signal(os.Interrupt))
		},
		"finish": func(ts *testscript.TestScript, _ bool, args []string) {
			p := actorOf(ts, args[0])
			delete(stageOf(ts), args[0])
			want := 0
			if len(args) > 1 {
				want = number(ts, args[1])
			}
			ended(ts, p, want)
		},
		"status": func(ts *testscript.TestScript, _ bool, args []string) {
			if len(args) < 2 {
				ts.Fatalf("usage: status STATUS PROGRAM [ARG...]")
			}
			p := launch(ts, args[1], args[2:])
			_ = p.in.Close() // it may have ended
			ended(ts, p, number(ts, args[0]))
		},
		"json": func(ts *testscript.TestScript, _ bool, args []string) {
			n := 0
			for d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0]))); ; n++ {
				var object map[string]any
				if err := d.Decode(&object); err == io.EOF {
					break
				} else if err != nil {
					ts.Fatalf("%s: object %d: %v", args[0], n+1, err)
				}
			}
			if n != number(ts, args[1]) {
				ts.Fatalf("%d objects, want %s", n, args[1])
			}
		},
	}
}

// scriptCondition adds [terminal]: there are terminals that a script can give to
// a program.
func scriptCondition(what string) (bool, error) {
	if what != "terminal" {
		return false, fmt.Errorf("unknown condition %q", what)
	}
	_, err := os.Stat("/dev/ptmx")
	return err == nil && runtime.GOOS == "linux", nil
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

// onStage is a program that runs beside a script.
type onStage struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	over chan struct{} // closed when it has ended

	mu       sync.Mutex // guards the following fields
	out, err bytes.Buffer
	more     chan struct{} // closed when there is more output
}

type stageKey struct{}

// setStage gives a script its folders and its place for programs, which end with
// it.
func setStage(env *testscript.Env) error {
	stage := map[string]*onStage{}
	env.Values[stageKey{}] = stage
	env.Defer(func() {
		for _, p := range stage {
			_ = p.cmd.Process.Kill() // it may have ended
			<-p.over
		}
	})
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	env.Setenv("AppData", filepath.Join(home, "config"))
	return os.MkdirAll(home, 0o700)
}

func stageOf(ts *testscript.TestScript) map[string]*onStage {
	return ts.Value(stageKey{}).(map[string]*onStage)
}

func actorOf(ts *testscript.TestScript, name string) *onStage {
	p := stageOf(ts)[name]
	if p == nil {
		ts.Fatalf("%s was not started", name)
	}
	return p
}

// launch starts a program.
func launch(ts *testscript.TestScript, program string, args []string) *onStage {
	p := &onStage{over: make(chan struct{}), more: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	if program == "iris" {
		exe, err := os.Executable()
		ts.Check(err)
		p.cmd.Path, p.cmd.Err = exe, nil // the name selects the command; see TestMain
	}
	p.cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData", "PATH", "WORK", "IRIS_CONTEXT", "IRIS_RELAY_LISTEN", "NO_COLOR", "SYSTEMROOT", "TMPDIR"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	p.cmd.Stdout, p.cmd.Stderr = tap{p, &p.out}, tap{p, &p.err}
	in, err := p.cmd.StdinPipe()
	ts.Check(err)
	p.in = in
	ts.Check(p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // ProcessState says it
		close(p.over)
	}()
	return p
}

// tap keeps what a program writes.
type tap struct {
	p  *onStage
	to *bytes.Buffer
}

// Write implements io.Writer.
func (t tap) Write(b []byte) (int, error) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.to.Write(b)
	close(t.p.more)
	t.p.more = make(chan struct{})
	return len(b), nil
}

// await blocks until the output has what is wanted, and returns its first group.
func (p *onStage) await(ts *testscript.TestScript, want *regexp.Regexp) string {
	for ended := false; ; {
		p.mu.Lock()
		out, errs, more := p.out.String(), p.err.String(), p.more
		p.mu.Unlock()
		for _, text := range []string{out, errs} {
			if m := want.FindStringSubmatch(text); m != nil {
				return append(m, "")[1]
			}
		}
		if ended {
			ts.Fatalf("it ended without %q\n[stdout]\n%s[stderr]\n%s", want, out, errs)
		}
		select {
		case <-more:
		case <-p.over:
			ended = true // all of its output is there
		}
	}
}

// ended waits for the end of a program, shows its output to the script and wants
// its status.
func ended(ts *testscript.TestScript, p *onStage, status int) {
	<-p.over
	_, err := ts.Stdout().Write(p.out.Bytes())
	ts.Check(err)
	_, err = ts.Stderr().Write(p.err.Bytes())
	ts.Check(err)
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		ts.Fatalf("status %d, want %d\n[stdout]\n%s[stderr]\n%s", got, status, p.out.String(), p.err.String())
	}
}
