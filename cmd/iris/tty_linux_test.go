package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tty is a terminal of the kernel: programs have one end, and a person, the test, the other.
type tty struct {
	t            *testing.T
	person, side *os.File
	drawn        chan struct{} // closed when the reader has ended

	mu     sync.Mutex // guards the following fields
	screen *screen
	all    bytes.Buffer  // that was ever written
	more   chan struct{} // closed when there is more
}

// openTTY opens a terminal, closed with the test.
func openTTY(t *testing.T, width, height int) *tty {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	y := &tty{t: t, person: person, screen: newScreen(width, height), more: make(chan struct{}), drawn: make(chan struct{})}
	number := 0
	y.do(person, func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		return err
	})
	y.side, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	y.size(width, height)
	go y.draw()
	t.Cleanup(func() {
		_, _ = y.side.Close(), y.person.Close()
		<-y.drawn
	})
	return y
}

// do calls f with the descriptor of a file, which goes on not to block.
func (y *tty) do(file *os.File, f func(fd int) error) {
	y.t.Helper()
	raw, err := file.SyscallConn()
	if err != nil {
		y.t.Fatal(err)
	}
	if e := raw.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil || err != nil {
		y.t.Fatal(e, err)
	}
}

// size makes the terminal another size, which the kernel tells the program.
func (y *tty) size(width, height int) {
	y.t.Helper()
	y.mu.Lock()
	y.screen.resize(width, height)
	y.mu.Unlock()
	y.do(y.person, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(width), Row: uint16(height)})
	})
}

// settings are how the kernel treats the keys: whether lines can be edited, are echoed, ctrl-c is a signal.
func (y *tty) settings() (s unix.Termios) {
	y.t.Helper()
	y.do(y.side, func(fd int) error {
		now, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			s = *now
		}
		return err
	})
	return s
}

// draw puts on the screen what is written, until the terminal is closed.
func (y *tty) draw() {
	defer close(y.drawn)
	b := make([]byte, 1<<16)
	for {
		n, err := y.person.Read(b)
		y.mu.Lock()
		y.all.Write(b[:n])
		_, _ = y.screen.Write(b[:n]) // cannot fail
		close(y.more)
		y.more = make(chan struct{})
		y.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await blocks until the screen is as wanted.
func (y *tty) await(what string, f func(*screen) bool) {
	y.t.Helper()
	guard := time.After(hung)
	for {
		y.mu.Lock()
		ok, more := f(y.screen), y.more
		lines, title := strings.Join(y.screen.lines(), "\n"), y.screen.title
		y.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-more:
		case <-guard:
			y.t.Fatalf("never: %s; on the screen, titled %q:\n%s", what, title, lines)
		}
	}
}

// shows awaits texts on the screen, all at once.
func (y *tty) shows(patterns ...string) {
	y.t.Helper()
	y.await(strings.Join(patterns, ", "), func(s *screen) bool {
		text := strings.Join(s.lines(), "\n")
		for _, p := range patterns {
			if !regexp.MustCompile("(?m)" + p).MatchString(text) {
				return false
			}
		}
		return true
	})
}

// types presses keys.
func (y *tty) types(keys string) {
	y.t.Helper()
	if _, err := y.person.WriteString(keys); err != nil {
		y.t.Fatal(err)
	}
}

// iris starts the command on the terminal, with that as its own.
func (y *tty) iris(args ...string) *exec.Cmd {
	y.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		y.t.Fatal(err)
	}
	c := exec.CommandContext(y.t.Context(), exe)
	c.Args = append([]string{"iris"}, args...) // the name selects the command; see TestMain
	c.Stdin, c.Stdout, c.Stderr = y.side, y.side, y.side
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	home := y.t.TempDir()
	c.Env = []string{"TERM=xterm-256color", "HOME=" + home, "XDG_CONFIG_HOME=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	if err := c.Start(); err != nil {
		y.t.Fatal(err)
	}
	return c
}

// ends waits for the end of a command, and wants the terminal as it was before.
func (y *tty) ends(c *exec.Cmd, before unix.Termios) {
	y.t.Helper()
	guard := time.AfterFunc(hung, func() { _ = c.Process.Kill() })
	defer guard.Stop()
	if err := c.Wait(); err != nil {
		y.t.Errorf("it ended with %v", err)
	}
	y.await("the screen of before", func(s *screen) bool { return !s.alternate && !s.hidden && s.row("$ iris top") != "" })
	if now := y.settings(); now != before {
		y.t.Errorf("the terminal was left as\n%+v, before\n%+v", now, before)
	}
}
