package client

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"iris/node/relay/packet"
)

// script is a relay that says what it was given to say and hangs up.
type script struct {
	net.Conn // nil: what is not here is not used
	says     io.Reader
}

func (s script) Read(b []byte) (int, error)       { return s.says.Read(b) }
func (s script) Write(b []byte) (int, error)      { return len(b), nil }
func (s script) Close() error                     { return nil }
func (s script) SetDeadline(time.Time) error      { return nil }
func (s script) SetReadDeadline(time.Time) error  { return nil }
func (s script) SetWriteDeadline(time.Time) error { return nil }

// FuzzConn: whatever a relay says, nothing panics, nobody is left waiting, and
// the end is known.
func FuzzConn(f *testing.F) {
	for _, ps := range [][]packet.Packet{
		{packet.Delivery{Payload: []byte("hi")}, packet.Publish{Topic: "news", Payload: []byte("hi")}, packet.Closed{}},
		{packet.Serve{ID: 1, TimeoutMs: 100}, packet.Result{ID: 1, OK: true}, packet.Result{TimedOut: true}},
		{packet.TunOffer{Build: 1, Limit: 4}, packet.TunAllow{Space: 9}, packet.TunTransfer{Size: 4, Payload: []byte("hi")}, packet.TunTransfer{Payload: []byte("ho")}, packet.TunClosed{}},
		{packet.TunResult{Tunnel: 0, Limit: 4}, packet.TunResult{Tunnel: 1, Limit: 4}, packet.TunAllow{Space: 9}, packet.TunTransfer{Tunnel: 1, Size: 1, Payload: []byte("x")}, packet.TunClosed{Tunnel: 1, Reason: "lost"}},
		{packet.TunOffer{Limit: 1}, packet.TunTransfer{}, packet.TunOffer{Limit: 1}, packet.TunOffer{Limit: 1}, packet.TunClosed{}, packet.TunClosed{}},
	} {
		var b []byte
		for _, p := range ps {
			b = packet.Append(b, p)
		}
		f.Add(b)
	}
	echo := Handler{
		Request:   func(_ context.Context, q []byte) ([]byte, error) { return q, nil },
		Broadcast: func([]byte) {},
		Tunnel: func(t *Tunnel) {
			for {
				m, err := t.Recv(context.Background())
				if err != nil {
					return
				}
				_ = t.Send(context.Background(), m)
			}
		},
	}
	f.Fuzz(func(t *testing.T, says []byte) {
		hold, begun := io.Pipe() // until the calls have been made
		socket := script{says: io.MultiReader(bytes.NewReader(packet.Append(nil, packet.Welcome{})), hold, bytes.NewReader(says))}
		c, err := Attach(t.Context(), socket, Config{Cluster: "echo", Handler: echo, Tunnels: 2, Message: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Subscribe("news", func([]byte) {}); err != nil {
			t.Error(err)
		}
		asked := later(func() ([]byte, error) { return c.Request(t.Context(), "echo", nil, time.Hour) })
		opened := later(func() (*Tunnel, error) { return c.Tunnel(t.Context(), "echo", time.Hour) })
		_ = begun.Close()
		<-asked
		<-opened
		<-c.Done()
		_ = c.Close() // waits for all of it
	})
}
