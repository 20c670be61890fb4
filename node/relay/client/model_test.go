package client

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"iris/node/relay/packet"
)

// sendModel sends messages through a tunnel of a real connection, with a relay
// that grants credit as it pleases and senders that give up.
type sendModel struct {
	relay  *relay
	heard  chan packet.Packet // what the client says
	tunnel *Tunnel

	credit   int // granted and not used
	assembly packet.Assembly
	arrived  [][]byte
	wanted   [][]byte // that Send said it has sent

	sending []byte
	stop    context.CancelFunc
	outcome <-chan outcomeOf[struct{}]
}

// settle lets the client do all it can, and checks what it said.
func (m *sendModel) settle(t *rapid.T) {
	synctest.Wait()
	for len(m.heard) > 0 {
		c, ok := (<-m.heard).(packet.TunTransfer)
		if !ok || len(c.Payload) > 4 {
			t.Fatalf("heard %#v", c)
		}
		if m.credit -= len(c.Payload); m.credit < 0 {
			t.Fatalf("%d octets beyond the credit", -m.credit)
		}
		message, _, err := m.assembly.Add(c, packet.FromClient, 100)
		if err != nil {
			t.Fatal(err)
		}
		if message != nil {
			m.arrived = append(m.arrived, message)
		}
	}
	if m.sending != nil && len(m.outcome) > 0 {
		if g := <-m.outcome; g.err == nil {
			m.wanted = append(m.wanted, m.sending)
		}
		m.sending = nil
		m.stop()
	}
	if len(m.arrived) != len(m.wanted) {
		t.Fatalf("%d messages arrived, %d sent", len(m.arrived), len(m.wanted))
	}
	if n := len(m.wanted); n > 0 && !bytes.Equal(m.arrived[n-1], m.wanted[n-1]) {
		t.Fatalf("%x arrived, %x sent", m.arrived[n-1], m.wanted[n-1])
	}
	if m.sending != nil && m.credit >= 4 {
		t.Fatalf("waiting with credit %d", m.credit)
	}
}

func (m *sendModel) send(t *rapid.T) {
	if m.sending != nil {
		t.Skip("sending")
	}
	message := rapid.SliceOfN(rapid.Byte(), 1, 30).Draw(t, "message")
	var ctx context.Context
	ctx, m.stop = context.WithCancel(context.Background())
	m.sending = message
	m.outcome = laterErr(func() error { return m.tunnel.Send(ctx, message) })
}

func (m *sendModel) giveUp(t *rapid.T) {
	if m.sending == nil {
		t.Skip("nothing to give up")
	}
	m.stop()
}

func (m *sendModel) allow(t *rapid.T) {
	n := rapid.IntRange(0, 20).Draw(t, "space")
	m.credit += n
	m.relay.send(packet.TunAllow{Space: uint64(n)})
}

// TestSendModel: whatever credit comes when, a tunnel sends what it may, no
// octet more, and every message whose Send succeeded arrives whole.
func TestSendModel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		rapid.Check(clockless{t}, func(rt *rapid.T) {
			c, r := connect(t, Config{})
			m := &sendModel{relay: r, heard: make(chan packet.Packet, 1000), tunnel: opened(t, c, r)}
			defer func() {
				_ = r.socket.Close()
				_ = c.Close() // it lost its relay
			}()
			go func() {
				for p, err := r.in.Next(); err == nil; p, err = r.in.Next() {
					m.heard <- p
				}
			}()
			rt.Repeat(map[string]func(*rapid.T){
				"send": m.send, "give up": m.giveUp, "allow": m.allow, "": m.settle,
			})
			m.credit += 100
			r.send(packet.TunAllow{Space: 100}) // for what is left
			m.settle(rt)
			if m.sending != nil {
				rt.Fatal("still sending")
			}
		})
	})
}

// clockless hides the deadline of a test, that is of the clock outside of its
// bubble, from rapid.
type clockless struct{ testing.TB }
