package relay

import (
	"bytes"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
)

// timed is a connection of which only the deadline of writes matters.
type timed struct {
	net.Conn
	until time.Time
}

func (c *timed) SetWriteDeadline(t time.Time) error { c.until = t; return nil }

// Who is dropped has a second to read why, and no more because it says Close as well.
func TestTheFirstLastWordCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := new(timed)
		sys := actor.NewSystem(actor.Options{Node: "here", Logger: slog.New(slog.DiscardHandler)})
		c := stranger(&Relay{sys: sys}, 1, conn)
		want := time.Now().Add(linger)
		c.drop("enough")
		pass(linger / 2)
		c.depart("", answerGrace, flushTimeout)
		if !conn.until.Equal(want) || c.ending() != "enough" {
			t.Errorf("it has until %v, want %v; reason %q", conn.until, want, c.ending())
		}
		if err := sys.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// script is a connection of which the client has closed its half, after it said something.
type script struct {
	net.Conn
	says *bytes.Reader

	mu   sync.Mutex
	told []byte // guarded by mu
}

func (c *script) Read(b []byte) (int, error) { return c.says.Read(b) }

func (c *script) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, b...)
	return len(b), nil
}

func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }
func (*script) Close() error                     { return nil }

// Who has said Close and then hung up is closed in order, also if what it sent before takes
// some seconds.
func TestCloseAndHangUpBehindSlowOperations(t *testing.T) {
	says := packet.Append(packet.Append(nil, packet.Init{Version: packet.Version}), packet.Close{})
	conn := &script{says: bytes.NewReader(says)}
	log := slog.New(slog.DiscardHandler)
	sys := actor.NewSystem(actor.Options{Node: "here", Logger: log})
	c := stranger(&Relay{log: log, sys: sys}, 1, conn)
	c.in, c.written = newParts(conn, packet.Limits{}), make(chan struct{})
	if _, err := c.in.Next(); err != nil {
		t.Fatal(err)
	}
	leaving := make(chan struct{})
	go c.left.Do(func() { // to leave its topics takes long
		close(leaving)
		<-time.After(linger + linger/2)
	})
	<-leaving
	c.run()
	if c.ending() != "" || !bytes.Equal(conn.told, packet.Append(nil, packet.Closed{})) {
		t.Errorf("closed with %q, and was told %x", c.ending(), conn.told)
	}
	if err := sys.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
