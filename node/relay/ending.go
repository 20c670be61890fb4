package relay

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
)

// depart lets the client leave in order: because it asked to, with an empty
// reason, or because the relay closes. It waits up to grace for the answers to
// the requests that the client serves. Closed is the last packet; then the client
// has a while to close.
func (c *client) depart(reason string, grace, while time.Duration) {
	c.departed.Do(func() {
		c.leave(context.WithoutCancel(c.life), grace)
		c.decide(reason, reason == "")
		c.end(errClosing)
		c.asks.wait()
		c.pipes.leave()
		c.lastWord(reason, while)
	})
}

// drop ends the client at once. It is told why, if its connection still takes
// that. It does not block; the first reason counts.
func (c *client) drop(reason string) {
	if !c.decide(reason, false) {
		return
	}
	c.quit()
	c.lastWord(reason, linger)
}

// lastWord queues Closed and gives the client a while to read what waits. The first
// while counts: who is dropped gets no more time by saying Close.
func (c *client) lastWord(reason string, while time.Duration) {
	c.spoken.Do(func() {
		c.linger.Store(int64(min(while, linger)))
		_ = c.conn.SetWriteDeadline(time.Now().Add(while))
		c.out.last(packet.Closed{Reason: reason})
	})
}

// hangUp closes the writing half, after the last packet. The reader goes on for a
// moment, until the client closes too: closing with octets unread would reset the
// connection, and the last packet with it.
func (c *client) hangUp() {
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Duration(c.linger.Load())))
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// quit ends the client's part in the network as far as that takes no time.
func (c *client) quit() {
	c.leaving.Store(true)
	c.serves.fail(lostServer(c))
	c.end(errClosing)
	c.asks.end()
	c.chores.end()
}

// cut ends the connection without another word, and drops what waits for it.
func (c *client) cut(reason string) {
	c.decide(reason, false)
	c.quit()
	c.out.kill()
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what the system still holds goes too
	}
	_ = c.conn.Close()
}

// expel is drop for what the client has done wrong.
func (c *client) expel(err error) {
	var v *packet.Violation
	reason := err.Error()
	if errors.As(err, &v) {
		reason = "protocol violation: " + reason
	}
	c.complain(reason)
	c.drop(reason)
}

// complain tells the operator of a client that is going to be dropped.
func (c *client) complain(reason string) {
	if !c.leaving.Load() {
		c.r.log.Warn("relay client dropped", "client", c.number, "addr", c.addr, "cluster", c.cluster, "reason", reason)
	}
}

// decide records why the client ends; false if that was decided before.
func (c *client) decide(reason string, ordered bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	c.over, c.ordered, c.reason = true, ordered, reason
	return true
}

// lostServer is what askers get whose request the client did not answer.
func lostServer(c *client) error {
	return &actor.RemoteError{
		Node: c.r.sys.Node(), Code: actor.CodeFailed, Text: "the program that served the request has gone without an answer",
	}
}

// leave takes the client out of its cluster and its topics, waits up to grace for
// its answers, and fails the requests that it has not answered then.
func (c *client) leave(ctx context.Context, grace time.Duration) {
	c.leaving.Store(true)
	c.left.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, grace+leaveTimeout)
		defer cancel()
		late := time.AfterFunc(grace, func() { c.serves.fail(lostServer(c)) })
		defer late.Stop()
		regs := c.topics.close()
		if c.membership != nil {
			regs = append(regs, c.membership)
		}
		var wg sync.WaitGroup
		for _, reg := range regs {
			wg.Go(func() { _ = reg.Leave(ctx) }) // the membership has ended in any case
		}
		wg.Wait()
	})
	c.serves.fail(lostServer(c))
}

// finish ends what is left of a client whose connection is not read any more, and
// tells that it is gone.
func (c *client) finish() {
	c.chores.end()
	c.mu.Lock()
	reason, ordered := c.reason, c.ordered
	c.mu.Unlock()
	c.leave(context.WithoutCancel(c.life), 0)
	if ordered {
		c.pipes.leave()
	} else {
		c.pipes.abort(reason)
	}
	c.out.last(packet.Closed{Reason: reason}) // ends the writer
	<-c.written                               // who closed only its own half may still read; lastWord bounds that
	_ = c.conn.Close()
	c.r.delist(c)
	c.publish(&actor.RelayClientDown{Client: c.number, Addr: c.addr, Cluster: c.cluster, Reason: reason})
	c.work.Wait()
	_ = c.r.sys.Stop(context.Background(), c.pid) // it runs no foreign code
}
