package relay

import (
	"errors"
	"sync"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/topics"
	"iris/transport/wire"
)

// chores are the operations of a client that are done one after the other, in
// the order in which they came, because each may have to wait for the network.
//
// While they are done the client waits when there are too many. When they are not, for choreTimeout,
// it does not: behind them are its replies and the end of its connection, which others wait
// for. Then what may be lost is.
type chores struct {
	mu    sync.Mutex // guards the following fields
	more  *sync.Cond // of all changes
	list  []packet.Packet
	bytes int
	busy  bool // one is being done
	stuck bool // the client has waited in vain, and none was done since
	ended bool
}

func (q *chores) init() { q.more = sync.NewCond(&q.mu) }

// push adds an operation. It waits while there are too many, for choreTimeout after the last
// was done. Then it returns actor.ErrOverloaded for what may be lost, and takes other operations
// up to a bound, beyond which it returns errChores.
func (q *chores) push(p packet.Packet) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full() && !q.stuck {
		q.await()
	}
	switch {
	case q.ended:
		return nil
	case isLosable(p) && q.full():
		return actor.ErrOverloaded
	case len(q.list) >= 2*maxChores:
		return errChores
	}
	q.list = append(q.list, p)
	q.bytes += weight(p)
	q.more.Broadcast()
	return nil
}

var errChores = errors.New("too many operations wait for the network")

// full reports whether there are too many. Called with mu.
func (q *chores) full() bool {
	return !q.ended && len(q.list) > 0 && (len(q.list) >= maxChores || q.bytes >= maxChoreBytes)
}

// await waits until there are not too many, or none was done for choreTimeout: they are stuck
// then. Called with mu.
func (q *chores) await() {
	timer := time.AfterFunc(choreTimeout, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.stuck = q.full()
		q.more.Broadcast()
	})
	defer timer.Stop()
	for n := len(q.list); q.full() && !q.stuck; {
		if q.more.Wait(); len(q.list) < n {
			n = len(q.list)
			timer.Reset(choreTimeout)
		}
	}
}

// isLosable reports whether p may be lost, as what comes for a full mailbox is.
func isLosable(p packet.Packet) bool {
	switch p.(type) {
	case packet.Publish, packet.Broadcast:
		return true
	}
	return false
}

// pop waits for the next operation; nil if there is none any more.
func (q *chores) pop() packet.Packet {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = false
	q.more.Broadcast()
	for len(q.list) == 0 && !q.ended {
		q.more.Wait()
	}
	if len(q.list) == 0 {
		return nil
	}
	p := q.list[0]
	q.list[0] = nil
	q.list = q.list[1:]
	q.bytes -= weight(p)
	q.busy, q.stuck = true, false
	return p
}

// end takes nothing more; what is queued is still done, unless the client's life
// has ended.
func (q *chores) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.more.Broadcast()
}

// drain waits until everything is done, for limit at most.
func (q *chores) drain(limit time.Duration) {
	q.end()
	late := false
	timer := time.AfterFunc(limit, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		late = true
		q.more.Broadcast()
	})
	defer timer.Stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for (len(q.list) > 0 || q.busy) && !late {
		q.more.Wait()
	}
}

// weight is what an operation counts against the bound of bytes.
func weight(p packet.Packet) int {
	switch p := p.(type) {
	case packet.Publish:
		return len(p.Payload)
	case packet.Broadcast:
		return len(p.Payload)
	}
	return 0
}

// queue hands a packet to the chores, unless it is lost for want of room.
func (c *client) queue(p packet.Packet) error {
	err := c.chores.push(p)
	if !errors.Is(err, actor.ErrOverloaded) {
		return err
	}
	switch p := p.(type) {
	case packet.Publish:
		c.lost(err, "topic/"+p.Topic)
	case packet.Broadcast:
		c.lost(err, "cluster/"+p.Cluster)
	}
	return nil
}

// doChores is the goroutine of the chores.
func (c *client) doChores() {
	for {
		p := c.chores.pop()
		if p == nil {
			return
		}
		if err := c.do(p); err != nil && c.life.Err() == nil {
			c.expel(err)
		}
	}
}

// do performs one operation. An error drops the client.
func (c *client) do(p packet.Packet) error {
	switch p := p.(type) {
	case packet.Publish:
		if err := misnamed(p.Op(), p.Topic); err != nil {
			return err
		}
		err := c.r.cfg.Topics.Publish(c.life, p.Topic, actor.Bytes(p.Payload), topics.PublishOptions{})
		c.lost(err, "topic/"+p.Topic)
	case packet.Broadcast:
		if err := misnamed(p.Op(), p.Cluster); err != nil {
			return err
		}
		err := c.r.cfg.Topics.Broadcast(c.life, p.Cluster, actor.Bytes(p.Payload), topics.BroadcastOptions{})
		if !errors.Is(err, actor.ErrNoMembers) { // who is told, if there is nobody?
			c.lost(err, "cluster/"+p.Cluster)
		}
	case packet.Subscribe:
		return c.subscribe(p.Topic)
	case packet.Unsubscribe:
		return c.unsubscribe(p.Topic)
	case packet.Close:
		c.depart("", answerGrace, flushTimeout)
	}
	return nil
}

// lost counts a message that was not sent, or not to everybody.
func (c *client) lost(err error, target string) {
	if err == nil || actor.IsCounted(err) {
		return
	}
	c.r.sys.Dropped(actor.DeadRelay, target, "actor.Bytes", c.pid.Id, 1)
}

// misnamed makes a violation of a name that no cluster or topic can have.
func misnamed(op packet.Op, name string) error {
	if err := wire.ValidName(name); err != nil {
		return violation(op, err.Error())
	}
	return nil
}

func violation(op packet.Op, what string) error {
	return &packet.Violation{Side: packet.FromClient, Op: op, What: what}
}
