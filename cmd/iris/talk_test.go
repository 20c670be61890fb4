package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"iris/node/relay/client"
	"iris/node/relay/packet"
)

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		for range turns(t.Context(), 3, time.Minute) {
			at = append(at, time.Since(start))
		}
		if want := []time.Duration{0, time.Minute, 2 * time.Minute}; !slices.Equal(at, want) {
			t.Errorf("turns at %v, want %v", at, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		n := int64(0)
		for n = range turns(ctx, 0, 4*time.Second) {
		}
		if n != 3 || time.Since(start) != 2*time.Minute+10*time.Second {
			t.Errorf("%d turns, over after %v", n, time.Since(start))
		}
		for n := range turns(ctx, 0, 0) {
			t.Errorf("turn %d after the end", n)
		}
	})
}

// attachedTo returns a connection to a relay that greets and says no more.
func attachedTo(t *testing.T) *client.Conn {
	t.Helper()
	near, far := net.Pipe()
	go func() {
		in := packet.NewReader(far, packet.FromClient, packet.Limits{})
		for {
			p, err := in.Next()
			if err != nil {
				return
			}
			if _, ok := p.(packet.Init); ok {
				_, _ = far.Write(packet.Append(nil, packet.Welcome{Version: packet.Version}))
			}
		}
	}()
	conn, err := client.Attach(t.Context(), near, client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = far.Close()
		_ = conn.Close() // it has ended by that
	})
	return conn
}

// TestIntake: patience counts from the last that came or was done, and not while
// something is being done.
func TestIntake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := attachedTo(t)
		i := newIntake(0, time.Minute)
		go func() { // comes after 50 s, takes 50 s
			<-time.After(50 * time.Second)
			i.take()
			<-time.After(50 * time.Second)
			i.done(nil)
		}()
		start := time.Now()
		err := i.wait(t.Context(), conn)
		if !errors.As(err, new(nobody)) || time.Since(start) != 160*time.Second {
			t.Errorf("%v after %v, want nobody after 160 s", err, time.Since(start))
		}
		i = newIntake(2, 0)
		ended := make(chan error, 1)
		go func() { ended <- i.wait(t.Context(), conn) }()
		i.take()
		i.take()
		if n, ok := i.take(); ok {
			t.Errorf("%d of 2 is wanted", n)
		}
		i.done(nil)
		synctest.Wait()
		select {
		case err := <-ended:
			t.Errorf("over, %v, while one is being done", err)
		default:
		}
		full := errors.New("full")
		i.done(full)
		if err := <-ended; err != full {
			t.Errorf("%v, want that of the work", err)
		}
	})
}

func TestSecondSignalCutsTalkShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		result := make(chan error, 1)
		go func() { result <- untilForced(ctx, nil, signals) }()
		synctest.Wait()
		signals <- os.Interrupt // the echo of the first
		<-time.After(echo)
		signals <- os.Interrupt
		if err := <-result; err != errForced {
			t.Errorf("got %v", err)
		}
		done := make(chan error, 1)
		done <- errInterrupted
		if err := untilForced(ctx, done, nil); err != errInterrupted {
			t.Errorf("got %v", err)
		}
	})
}

func TestBodyGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	in, out := io.Pipe()
	defer out.Close()
	cancel(errInterrupted)
	if _, err := (body{stdin: in}).read(ctx); err != errInterrupted {
		t.Errorf("got %v", err)
	}
	endless := io.LimitReader(zeros{}, packet.DefaultMessage+100)
	if _, err := (body{stdin: endless}).read(t.Context()); err == nil || !strings.Contains(err.Error(), "use iris tunnel") {
		t.Errorf("too much: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestPrinter(t *testing.T) {
	var out bytes.Buffer
	p := &printer{out: &out}
	for _, text := range []string{"a", "b\n", ""} {
		if err := p.message("t\t", []byte(text)); err != nil {
			t.Error(err)
		}
	}
	p.raw = true
	if err := p.message("t\t", []byte("c")); err != nil {
		t.Error(err)
	}
	if got, want := out.String(), "t\ta\nt\tb\nt\t\nc"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := contentOf([]byte{255}), (content{1, base64.StdEncoding.EncodeToString([]byte{255}), true}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestBar: ten times a second at most, and the last state.
func TestBar(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	b := &bar{w: &out, now: func() time.Time { return now }, total: 3 << 20, start: now, shown: now}
	b.add(1 << 20)
	now = now.Add(time.Second)
	b.add(1 << 19)
	b.add(1 << 19)
	now = now.Add(time.Second)
	b.end()
	want := "\r 50.0 % [###############...............] 1.5 MiB of 3.0 MiB, 1.5 MiB/s    " +
		"\r 66.7 % [####################..........] 2.0 MiB of 3.0 MiB, 1.0 MiB/s    \n"
	if got := out.String(); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	b = newBar(&out, 5) // no terminal
	b.add(1)
	b.end()
	if b != nil {
		t.Error("a bar without a terminal")
	}
}

func TestPaint(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, w := range []io.Writer{null, &bytes.Buffer{}} {
		if got := paint(w, red, "text"); got != "text" {
			t.Errorf("%q for %T", got, w)
		}
	}
}

func TestInput(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(3, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	i := &input{reader: f, size: 4}
	if _, err := i.open(""); err != nil || i.length != 7 {
		t.Errorf("length %d, %v, want the 7 that are left", i.length, err)
	}
	var got []string
	for p := range i.pieces() {
		got = append(got, string(p))
	}
	if want := []string{"3456", "789"}; !slices.Equal(got, want) || i.err != nil {
		t.Errorf("pieces %q, %v, want %q", got, i.err, want)
	}
	i = &input{reader: io.MultiReader(strings.NewReader("a"), broken{}), size: 4}
	for range i.pieces() {
	}
	if i.err != errBroken {
		t.Errorf("got %v", i.err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

// TestProgram: what a program may leave behind, and how much it may say.
func TestProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("programs of a unix")
	}
	ctx, cancel := context.WithCancel(t.Context())
	started, errs := io.Pipe()
	p := &program{words: []string{"sh", "-c", "tail -f /dev/null & echo here >&2; wait"}, err: errs}
	result := make(chan error, 1)
	go func() { _, err := p.run(ctx, nil); result <- err }()
	if _, err := io.ReadFull(started, make([]byte, 5)); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("a program that is killed: %v", err)
	}
	p = &program{words: []string{"cat"}, err: io.Discard}
	if got, err := p.run(t.Context(), []byte("text")); string(got) != "text" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	w := bounded{most: 4}
	fmt.Fprint(&w, "abc")
	fmt.Fprint(&w, "def")
	if got := string(w.b); got != "cdef" {
		t.Errorf("kept %q, want the end", got)
	}
	w = bounded{most: 4, overflow: errLong}
	fmt.Fprint(&w, "abcd")
	if _, err := fmt.Fprint(&w, "e"); err != errLong || !w.full {
		t.Errorf("more than it may be: %v", err)
	}
	if got := lastLine([]byte("a\n\xffb\n")); got != "?b" {
		t.Errorf("last line %q", got)
	}
}

// TestExplainAttach wants every way not to get attached to name the relay and
// the next step.
func TestExplainAttach(t *testing.T) {
	p, token := profile{Relay: "a:1"}, profile{Relay: "a:1", TokenFile: "t"}
	for _, tc := range []struct {
		p      profile
		err    error
		want   string
		status int
	}{
		{p, &client.Denied{Reason: "old"}, "the relay at a:1 refuses: old", exitFailed},
		{p, syscall.ECONNREFUSED, "start one with 'iris node'", exitFailed},
		{p, context.DeadlineExceeded, "the relay at a:1 does not answer within 5s", exitNobody},
		{p, io.EOF, "perhaps it wants a token, see --token-file", exitFailed},
		{token, io.EOF, "perhaps the token in t is not its own", exitFailed},
		{p, errBroken, "cannot attach to the relay at a:1: broken", exitFailed},
	} {
		err := explainAttach(tc.p, tc.err)
		if !strings.Contains(err.Error(), tc.want) || errors.As(err, new(nobody)) != (tc.status == exitNobody) {
			t.Errorf("%v: %v, want %q and status %d", tc.err, err, tc.want, tc.status)
		}
	}
}

// TestRoff: nothing in a text is taken for a command of roff.
func TestRoff(t *testing.T) {
	r := &roff{}
	r.text(".a 'b' \\c\n'd -e\n\n  f\n")
	r.verbatim(".x\n\n  y")
	want := "\\&.a 'b' \\ec\n\\&'d \\-e\n.PP\nf\n.PP\n.nf\n\\&.x\n\\&\n\\&  y\n.fi\n"
	if got := r.String(); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}
