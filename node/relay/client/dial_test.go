package client

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"iris/node/relay/packet"
)

// greetWith attaches to a relay that reads the octets want and answers answer.
func greetWith(t *testing.T, cfg Config, want, answer string) (*Conn, error) {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(far, got); err != nil || string(got) != want {
			t.Errorf("the client says %q, %v, want %q", got, err, want)
		}
		_, _ = io.WriteString(far, answer) // the client may hang up
		_, _ = io.Copy(io.Discard, far)
		_ = far.Close()
	}()
	c, err := Attach(t.Context(), near, cfg)
	if err == nil {
		_ = near.Close()
		_ = c.Close()
	}
	<-done
	return c, err
}

const hello = "\x00\x11iris-client-magic\x0bv1.0-draft2"

func TestGreeting(t *testing.T) {
	welcome := "\x00\x10iris-relay-magic\x0bv1.0-draft2"
	for _, tc := range []struct {
		name, want, answer string
		cfg                Config
	}{
		{"pure", hello + "\x00", welcome, Config{}},
		{"service", hello + "\x04echo", welcome, Config{Cluster: "echo"}},
		{"token", "iris-token c0ffee\n" + hello + "\x00", welcome, Config{Token: "c0ffee"}},
		{"newer relay", hello + "\x00", "\x00\x10iris-relay-magic\x04v9.9", Config{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				if _, err := greetWith(t, tc.cfg, tc.want, tc.answer); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestGreetingRefused(t *testing.T) {
	for _, tc := range []struct{ name, answer, want string }{
		{"denied", "\x01\x10iris-relay-magic\x02no", "connection denied: no"},
		{"other magic", "\x00\x10iris-reply-magic", "greeting: init of the relay: the wrong magic word"},
		{"other program", "HTTP/1.1", "greeting: opcode 0x48 of the relay: no greeting"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				if _, err := greetWith(t, Config{}, hello+"\x00", tc.answer); err == nil || err.Error() != tc.want {
					t.Errorf("%v, want %s", err, tc.want)
				}
			})
		})
	}
}

// TestSilentRelay: whoever does not answer is left after 10 seconds, or when the
// caller has had enough.
func TestSilentRelay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := net.Pipe()
		begin := time.Now()
		_, err := Attach(t.Context(), near, Config{})
		if d := time.Since(begin); !isTimeout(err) || d != greetTimeout {
			t.Errorf("%v after %v", err, d)
		}
		_ = far.Close()

		near, far = net.Pipe()
		_, err = Attach(soon(t, time.Second), near, Config{})
		wantIs(t, err, context.DeadlineExceeded)
		if _, err := near.Write(nil); err != io.ErrClosedPipe {
			t.Errorf("the socket is left open: %v", err)
		}
		_ = far.Close()
	})
}

func TestDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		socket, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		r := &relay{t, socket, packet.NewReader(socket, packet.FromClient, packet.Limits{})}
		r.expect(packet.Init{Version: packet.Version})
		r.send(packet.Welcome{Version: packet.Version})
		r.expect(packet.Close{})
		r.send(packet.Closed{})
		r.gone()
		_ = socket.Close()
	}()
	c, err := Dial(t.Context(), Config{Addr: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	<-served
	_ = l.Close()
	if _, err := Dial(t.Context(), Config{Addr: l.Addr().String()}); err == nil {
		t.Error("attached to nobody")
	}
	_, err = Dial(t.Context(), Config{Cluster: strings.Repeat("x", 256)})
	wantIs(t, err, ErrInvalid)
	var denied *Denied
	if errors.As(err, &denied) {
		t.Error("denied by nobody")
	}
}
