//go:build unix

package lookup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell asks a shell script.
func shell(t *testing.T, ctx context.Context, script string) ([]string, error) {
	t.Helper()
	e, err := NewExec([]string{"/bin/sh", "-c", script})
	if err != nil {
		t.Fatal(err)
	}
	return e.Lookup(ctx)
}

func TestExec(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   []string
		err    string
	}{
		"lines":                   {"printf '10.0.0.1:7000\\n\\n  host:1 \\r\\n[::1]:2'", []string{"10.0.0.1:7000", "host:1", "[::1]:2"}, ""},
		"nothing":                 {"true", nil, ""},
		"a bad line":              {"printf 'a:1\\n\\nrubbish\\nb:2\\n'", []string{"a:1", "b:2"}, `line 3: "rubbish" is not host:port`},
		"bad lines":               {"printf 'x\\ny\\nb:2\\nz\\n'", []string{"b:2"}, `line 1: "x" is not host:port (and 2 more bad lines)`},
		"escapes":                 {"printf '\\033[31m\\n'", nil, `line 1: "\x1b[31m" is not host:port`},
		"fails":                   {"echo a:1; echo no luck >&2; exit 3", nil, "exit status 3: no luck"},
		"fails silently":          {"exit 3", nil, "exit status 3"},
		"no input":                {"read x || echo a:1", []string{"a:1"}, ""},
		"too many":                {"i=0; while [ $i -lt 1100 ]; do echo a:$((i+1)); i=$((i+1)); done", nil, errTooMany.Error()},
		"too much":                {"while :; do echo 10.0.0.1:7000; done", nil, "killed: printed more than 256 KiB"},
		"a long line of complain": {"head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1", nil, "exit status 1: xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := shell(t, t.Context(), c.script)
			if name == "too many" && len(got) == MaxAddrs {
				got = nil
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if (err == nil) != (c.err == "") || err != nil && (!strings.HasPrefix(err.Error(), c.err) || len(err.Error()) > 400) {
				t.Errorf("%v, want %q", err, c.err)
			}
		})
	}
	if _, err := NewExec(nil); err == nil {
		t.Error("no program is one")
	}
	e, _ := NewExec([]string{"/nowhere/to/be/found", "--token", "s3cret"})
	if _, err := e.Lookup(t.Context()); !errors.Is(err, os.ErrNotExist) || strings.Contains(e.Name()+err.Error(), "s3cret") {
		t.Errorf("%s: %v", e.Name(), err)
	}
}

// TestExecIsKilledWithItsGroup holds that nothing of a program is left behind that
// takes too long, or has ended but left somebody who keeps its output open.
func TestExecIsKilledWithItsGroup(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		cut    bool // the time is over once the program is there
	}{
		"too long":   {"sleep 3600 & echo $! >%s; wait", true},
		"left there": {"sleep 3600 & echo $! >%s; echo a:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pid")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.cut {
				go func() {
					for ctx.Err() == nil {
						if text, _ := os.ReadFile(file); strings.HasSuffix(string(text), "\n") {
							cancel()
						}
					}
				}()
			}
			got, err := shell(t, ctx, fmt.Sprintf(c.script, file))
			if c.cut != errors.Is(err, context.Canceled) || !c.cut && (err != nil || !slices.Equal(got, []string{"a:1"})) {
				t.Errorf("%v, %v", got, err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(time.Minute); !dead(pid); <-time.After(time.Millisecond) {
				if time.Now().After(deadline) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					t.Fatal("a program is left over")
				}
			}
		})
	}
}

// dead reports whether a process has ended, be it that nobody has asked for its
// status yet.
func dead(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{"", "a:1\nb:2\n", "[::1]:1\r\n", "\x00", "a:1 b:2", strings.Repeat("a:1\n", 2000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addrs, err := parseLines(text)
		if len(addrs) > MaxAddrs {
			t.Fatalf("%d addresses", len(addrs))
		}
		for _, a := range addrs {
			if checkAddr(a) != nil {
				t.Fatalf("took %q", a)
			}
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Fatalf("an error of %d bytes", len(err.Error()))
		}
	})
}
