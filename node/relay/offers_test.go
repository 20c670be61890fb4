package relay

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/tunnels"
)

// offering runs f with a client to whom a tunnel was offered behind a large message,
// whose parts it reads with each call of read.
func offering(t *testing.T, f func(c *client, read func())) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		tokens := make(chan struct{})
		log := slog.New(slog.DiscardHandler)
		sys := actor.NewSystem(actor.Options{Node: "here", Logger: log})
		c := stranger(&Relay{log: log, sys: sys}, 1, reader{tokens: tokens})
		c.cluster = "c"
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = c.out.write()
		}()
		c.put(mebi)
		synctest.Wait()
		c.offerTunnel(new(tunnels.Tunnel))
		f(c, func() {
			select {
			case tokens <- struct{}{}:
			case <-ended:
			}
			synctest.Wait()
		})
		c.cut("the end")
		close(tokens)
		<-ended
		if err := sys.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// A client has 3 s to confirm a tunnel from when it was sent the offer, however long it
// takes to read what is before it.
func TestTimeToConfirm(t *testing.T) {
	offering(t, func(c *client, read func()) {
		for range 1<<20/piece + 1 { // the large message, but for its last part
			pass(confirmTimeout)
			if c.out.waiting() == 0 {
				t.Fatal("the offer was sent too early for this test")
			}
			read()
		}
		read()
		pass(confirmTimeout - time.Millisecond)
		c.pipes.mu.Lock()
		o := c.pipes.offers[0]
		c.pipes.mu.Unlock()
		if end := c.ending(); end != "" || o == nil {
			t.Fatalf("it is too late: %s", end)
		}
		c.pipes.mu.Lock()
		delete(c.pipes.offers, 0) // whose tunnel is none that could be ended
		c.pipes.mu.Unlock()
		pass(time.Millisecond)
		if o.late.Stop() {
			t.Error("it has more than 3 s")
		}
	})
}

// A client with much to read is not offered a tunnel.
func TestOfferToAClientWithABacklog(t *testing.T) {
	offering(t, func(c *client, _ func()) {
		if err := c.refusal(); err != nil {
			t.Errorf("refused: %v", err)
		}
		for c.offer(mebi) == nil {
		}
		if err := c.refusal(); err != actor.ErrOverloaded {
			t.Errorf("got %v", err)
		}
		c.pipes.takeOffer(0)
	})
}
