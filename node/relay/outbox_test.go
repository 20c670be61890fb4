package relay

import (
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/node/relay/packet"
)

// reader is the far end of a connection: it takes one write for each token.
type reader struct {
	net.Conn
	tokens chan struct{}
}

func (r reader) Write(b []byte) (int, error) {
	if _, ok := <-r.tokens; !ok {
		return 0, net.ErrClosed
	}
	return len(b), nil
}

func (reader) Close() error { return nil }

// sized is a connection of which only the memory in the system matters.
type sized struct {
	net.Conn
	bytes int
}

func (c *sized) SetWriteBuffer(bytes int) error { c.bytes = bytes; return nil }

// Little of what is written waits in the system, so that a client that reads slowly is seen to.
func TestOutboxSeesASlowReader(t *testing.T) {
	conn := new(sized)
	new(outbox).init(conn, nil, nil)
	if conn.bytes != inSystem || piece > inSystem/4 {
		t.Errorf("%d bytes may wait in the system, pieces have %d", conn.bytes, piece)
	}
}

// withOutbox runs f with an outbox whose client reads a piece for each call of read,
// and a flag that is raised when the client is to be dropped.
func withOutbox(t *testing.T, f func(o *outbox, read func(), slow *atomic.Bool)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		tokens, slow := make(chan struct{}), new(atomic.Bool)
		o := new(outbox)
		o.init(reader{tokens: tokens}, nil, func(error) { slow.Store(true); o.kill() })
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = o.write()
		}()
		f(o, func() {
			select {
			case tokens <- struct{}{}:
			case <-ended:
			}
			synctest.Wait()
		}, slow)
		o.kill()
		close(tokens)
		<-ended
	})
}

// mebi is a packet of a mebibyte.
var mebi = packet.Delivery{Payload: make([]byte, 1<<20)}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// A client that reads nothing is dropped when 64 MiB wait, and not before.
func TestOutboxOfAClientThatReadsNothing(t *testing.T) {
	withOutbox(t, func(o *outbox, _ func(), _ *atomic.Bool) {
		n := 0
		for o.put(mebi) == nil {
			n++
			pass(50 * time.Millisecond)
		}
		if most := maxBacklog>>20 + 1; n > most || n < most-1 {
			t.Errorf("%d MiB were taken, want %d", n, most)
		}
	})
}

// If nothing more comes it is dropped after a while as well, if half of that waits; with less it
// may take its time.
func TestOutboxOfAClientThatStopsReading(t *testing.T) {
	for _, c := range []struct {
		bytes int
		drops bool
	}{{halfBacklog, true}, {halfBacklog - 2<<20, false}} {
		withOutbox(t, func(o *outbox, _ func(), slow *atomic.Bool) {
			for o.waiting() <= c.bytes {
				if err := o.put(mebi); err != nil {
					t.Fatal(err)
				}
			}
			pass(stallTimeout - time.Millisecond)
			if slow.Load() {
				t.Error("dropped too early")
			}
			pass(doubt + time.Millisecond)
			if slow.Load() != c.drops {
				t.Errorf("with %d bytes dropped: %v", c.bytes, slow.Load())
			}
		})
	}
}

// The same if it comes too fast to tell, for a second, and if nothing comes any more.
func TestOutboxInABurst(t *testing.T) {
	withOutbox(t, func(o *outbox, _ func(), slow *atomic.Bool) {
		for range 100 {
			if err := o.put(mebi); err != nil {
				t.Fatal(err)
			}
		}
		pass(doubt - time.Millisecond)
		if slow.Load() {
			t.Error("dropped before it could read")
		}
		pass(2 * time.Millisecond)
		if !slow.Load() {
			t.Error("not dropped")
		}
	})
}

// A client that reads is not dropped because a lot came at once, however long it takes to
// read it; if it stops it is, after a while.
func TestOutboxOfASlowReader(t *testing.T) {
	withOutbox(t, func(o *outbox, read func(), slow *atomic.Bool) {
		for range 100 {
			if err := o.put(mebi); err != nil {
				t.Fatal(err)
			}
		}
		read() // what precedes the payload
		for range 10 {
			pass(doubt / 2)
			read()
		}
		for range 5 {
			pass(stallTimeout - time.Second)
			read()
			if err := o.put(mebi); err != nil || slow.Load() {
				t.Fatalf("%v; dropped: %v", err, slow.Load())
			}
		}
		pass(stallTimeout + doubt)
		if !slow.Load() {
			t.Error("not dropped when it stopped")
		}
	})
}

// However well it reads there is an end to what waits.
func TestOutboxHasAnEnd(t *testing.T) {
	withOutbox(t, func(o *outbox, read func(), _ *atomic.Bool) {
		n := 0
		for o.put(mebi) == nil {
			if n++; n%50 == 0 {
				read()
			}
		}
		if have := o.waiting(); have <= mostBacklog || have > mostBacklog+2<<20 {
			t.Errorf("%d bytes wait in the end", have)
		}
	})
}

// Nothing is no reason to be dropped, and what may be lost is none: that it reads nothing is.
func TestOutboxOffers(t *testing.T) {
	withOutbox(t, func(o *outbox, _ func(), slow *atomic.Bool) {
		for o.waiting() <= maxOffered {
			if err := o.offer(mebi); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.offer(mebi); err != errFull {
			t.Errorf("got %v", err)
		}
		for o.put(mebi) == nil {
		}
		if err := o.put(); err != nil {
			t.Errorf("got %v for nothing", err)
		}
		if err := o.offer(); err != nil {
			t.Errorf("got %v for nothing", err)
		}
		if slow.Load() {
			t.Error("dropped at once")
		}
		if pass(stallTimeout); !slow.Load() {
			t.Error("not dropped")
		}
	})
}

// Marks are reached when what was queued before them has been written.
func TestOutboxMarks(t *testing.T) {
	withOutbox(t, func(o *outbox, read func(), _ *atomic.Bool) {
		var order []int
		o.after(func() { order = append(order, 0) })
		for i := range 3 {
			if err := o.put(packet.Delivery{Payload: make([]byte, piece)}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			o.after(func() { order = append(order, i+1) })
		}
		for len(order) < 4 {
			before := len(order)
			for len(order) == before {
				read()
			}
			if len(order) != before+1 || order[before] != before {
				t.Fatalf("reached %v", order)
			}
		}
	})
}
