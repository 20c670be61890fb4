package relay

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
)

// silent is a connection of which only the end matters.
type silent struct {
	net.Conn
	closed bool
}

func (s *silent) Close() error { s.closed = true; return nil }

// The oldest of too many connections that say nothing makes room for a newcomer.
func TestHalfOpenConnectionsAreBounded(t *testing.T) {
	var h halfOpen
	first := new(silent)
	oldest, _ := h.enter(first)
	second := new(silent)
	next, _ := h.enter(second)
	for range maxHalfOpen - 2 {
		h.enter(new(silent))
	}
	if first.closed {
		t.Fatal("closed too early")
	}
	last := new(silent)
	place, ok := h.enter(last)
	if !ok || !first.closed || second.closed || last.closed {
		t.Errorf("the newcomer is let in: %v; closed: the first %v, the second %v, the last %v", ok, first.closed, second.closed, last.closed)
	}
	if h.leave(oldest) {
		t.Error("the first still had its place")
	}
	if !h.leave(next) || h.leave(next) || !h.leave(place) {
		t.Error("places are not given back once")
	}
	h.cut()
	if _, ok := h.enter(new(silent)); ok {
		t.Error("let in after the end")
	}
}

// A flood of refusals costs 16 events a second, and all are counted.
func TestRefusalsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []*actor.RelayClientRefused
		f := refusals{publish: func(ev any) { told = append(told, ev.(*actor.RelayClientRefused)) }}
		for range 1000 {
			f.tell("here", errEvicted)
		}
		if len(told) != refusalsPerSecond {
			t.Errorf("%d events", len(told))
		}
		<-time.After(time.Second)
		f.tell("there", nil)
		if e := told[len(told)-1]; e.Count != 1000-refusalsPerSecond+1 || e.Addr != "there" {
			t.Errorf("told %+v", e)
		}
	})
}

func TestTimeoutsOfPackets(t *testing.T) {
	for ms, want := range map[uint64]time.Duration{
		0: time.Millisecond, 1: time.Millisecond, 5000: 5 * time.Second, 1<<64 - 1: 1 << 31 * time.Millisecond,
	} {
		if got := duration(ms); got != want {
			t.Errorf("%d ms are %v, want %v", ms, got, want)
		}
	}
	for left, want := range map[time.Duration]uint64{
		-time.Second: 1, 0: 1, 1: 1, time.Millisecond: 1, 4999*time.Millisecond + 1: 5000, 5 * time.Second: 5000,
	} {
		if got := milliseconds(left); got != want {
			t.Errorf("%v are %d ms, want %d", left, got, want)
		}
	}
}

func TestListen(t *testing.T) {
	for addr, loopback := range map[string]bool{
		"55555": true, "localhost:1": true, "127.0.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "example.net:1": false,
	} {
		if got := Loopback(addr); got != loopback {
			t.Errorf("%s is loopback: %v", addr, got)
		}
	}
	if _, err := listen("0.0.0.0:0", nil); err == nil {
		t.Error("listened to all without a token")
	}
	list, err := listen("0", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		if l.guarded {
			t.Error("a token is asked for on the loopback interface")
		}
		_ = l.Close()
	}
}
