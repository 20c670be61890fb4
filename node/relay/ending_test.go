package relay

import (
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
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
