package topics

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

var seeds = flag.Uint64("seeds", 1, "seeds of the tests through failures")

// restart gives the actor of the topic's trees on n a new incarnation.
func (n *node) restart(kind, topic string) {
	n.sys.Events().Publish(&actor.Restart{PID: actor.NewPID(n.id.String(), "iris/topics/trees/"+kind+"/"+topic)})
}

// TestReliableThroughFailures publishes on some of 40 subscribed nodes while others
// die, actors of trees fail and lanes stand still. Every subscriber gets all of each
// living publisher, or is told how much is missing.
func TestReliableThroughFailures(t *testing.T) {
	for seed := range *seeds {
		for form, leaf := range map[string]int{"mesh": 0, "structured": 8} {
			t.Run(fmt.Sprint(form, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { failures(t, seed, leaf) })
			})
		}
	}
}

func failures(t *testing.T, seed uint64, leaf int) {
	rnd := rand.New(rand.NewPCG(seed, 40))
	f := newFabric(t, 0)
	if f.leaf = leaf; leaf > 0 {
		f.wants = map[string][]id.ID{}
	}
	for i := range 40 {
		f.add(i)
	}
	f.converge()
	pubs := make([]*publisher, 4)
	for i := range pubs {
		pubs[i] = &publisher{node: f.nodes[i]}
	}
	heard := map[*node]*ledger{}
	for _, n := range f.nodes {
		heard[n] = n.hear(t, "orders", surely, pubs...)
	}
	for round := range 400 {
		p := pubs[rnd.IntN(len(pubs))]
		p.say(t, "orders", PublishOptions{Reliable: true})
		<-time.After(time.Duration(rnd.IntN(20)) * time.Millisecond)
		n := f.nodes[len(pubs)+rnd.IntN(len(f.nodes)-len(pubs))]
		if n.dead {
			continue
		}
		switch {
		case round%60 == 30:
			f.crash(n)
		case round%20 == 5:
			f.nodes[rnd.IntN(len(f.nodes))].restart("reliable", "orders")
		case round%20 == 15:
			n.stall(rnd)
		}
	}
	<-time.After(time.Minute)
	synctest.Wait()
	dead, gaps := 0, uint64(0)
	for n, l := range heard {
		if n.dead {
			dead++
			continue
		}
		for _, p := range pubs {
			got, missed := l.count(p.node)
			if got+missed != p.sent {
				t.Errorf("%s got %d and %d gaps of %d of %v", l.name, got, missed, p.sent, p.id.Short())
			}
			gaps += missed
		}
	}
	t.Logf("%d nodes died, %d events were gaps", dead, gaps)
	if dead < 3 {
		t.Errorf("only %d nodes died", dead)
	}
}

// crash ends a node; the others notice after a while.
func (f *fabric) crash(n *node) {
	if f.leaf > 0 {
		f.end(n)
		return
	}
	f.ringMu.Lock()
	n.dead = true
	for _, o := range f.nodes {
		o.mu.Lock()
		if l := o.links[n.id]; l != nil && !o.dead {
			l.close()
			delete(o.links, n.id)
		}
		o.mu.Unlock()
	}
	f.ringMu.Unlock()
	n.shutdown()
	f.after(300*time.Millisecond, f.link)
}

// stall lets a lane of the node stand still for up to two seconds.
func (n *node) stall(rnd *rand.Rand) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		gate := l.lanes[transport.Fanout].gate
		if rnd.IntN(4) > 0 {
			continue
		}
		select {
		case <-gate:
			time.AfterFunc(time.Duration(rnd.IntN(2000))*time.Millisecond, func() { gate <- struct{}{} })
		default: // it stands still already
		}
	}
}

// TestAFullLaneOnAnEdge fills the only way to a subscriber: the last events are
// lost on it, and nothing comes after them.
func TestAFullLaneOnAnEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		p := &publisher{node: f.nodes[0]}
		l := f.nodes[1].hear(t, "orders", surely, p)
		p.hear(t, "orders", surely, p)
		resume := p.Link(f.nodes[1].id).(*pipe).pause(transport.Fanout)
		for range 3 * laneFrames {
			p.say(t, "orders", PublishOptions{Reliable: true})
		}
		resume()
		<-time.After(5 * time.Second)
		if got, gaps := l.count(p.node); got != p.sent || gaps != 0 {
			t.Errorf("%d and %d gaps of %d", got, gaps, p.sent)
		}
	})
}

// TestASubscriberThatIsTooSlow has a mailbox for 10 messages and handles none for a
// while. What it misses it is told, before it gets anything later.
func TestASubscriberThatIsTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		p := &publisher{node: f.nodes[0]}
		n := f.nodes[1]
		l := newLedger(t, "slow")
		l.next[p.id.String()] = 0
		open := make(chan struct{})
		slow := actor.Func(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.Bytes); ok {
				<-open
			}
			l.receive(ctx)
		}).Mailbox(10)
		if _, err := n.Topics.Subscribe(t.Context(), "orders", surely, n.sys.Spawn(slow)); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			p.say(t, "orders", PublishOptions{Reliable: true})
		}
		synctest.Wait()
		close(open)
		<-time.After(time.Second)
		got, gaps := l.count(p.node)
		if got+gaps != 100 || got < 10 || gaps < 80 {
			t.Errorf("%d and %d gaps of 100", got, gaps)
		}
		p.say(t, "orders", PublishOptions{Reliable: true})
		<-time.After(time.Second)
		if again, _ := l.count(p.node); again != got+1 {
			t.Errorf("then %d", again)
		}
	})
}

func TestPeersCannotMakeTreesWithoutBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		n, peer := f.nodes[0], &node{id: id.Hash("stranger")} // it does not answer
		n.perPeer = 10
		for i := range 100 {
			g := wire.Group{Kind: wire.GroupReliable, Name: fmt.Sprint("t", i)}
			n.handlers[wire.KindTreeJoin](peer.id, &wire.TreeJoin{Group: g, Seq: 1, Members: 1})
			n.handlers[wire.KindTreeJoin](peer.id, &wire.TreeJoin{Group: wire.Group{Kind: wire.GroupCluster, Name: "c"}, Seq: 1})
			for kind := range uint8(4) {
				g := wire.Group{Kind: wire.GroupReliable, Name: fmt.Sprint("u", i)}
				n.handlers[wire.KindTreeJoin](peer.id, &wire.TreeJoin{Group: g, Seq: 1, Found: kind + 1})
			}
			h := wire.Group{Kind: wire.GroupTopic, Name: fmt.Sprint("v", i)}
			n.handlers[wire.KindTreeAck](peer.id, &wire.TreeAck{Group: h})
			n.handlers[wire.KindTreeReplica](peer.id, &wire.TreeReplica{Group: h})
			n.handlers[wire.KindTopicSync](peer.id, &wire.TopicSync{Group: h, Answer: true})
			n.handlers[wire.KindTopicPull](peer.id, &wire.TopicPull{Group: h, Publisher: peer.id})
			stripe := uint8(peer.id.Lo % 2)
			n.handlers[wire.KindTopicData](peer.id, &wire.TopicData{Group: h, Stripe: stripe, Publisher: peer.id, Seq: 1})
		}
		synctest.Wait()
		if got := len(n.allTrees()); got != 10 {
			t.Errorf("a peer made %d trees, the bound is 10", got)
		}
		<-time.After(2 * time.Minute)
		if got := len(n.allTrees()); got != 0 {
			t.Errorf("%d trees after the children expired", got)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		if len(n.planted) != 0 {
			t.Errorf("the peer still has %v", n.planted)
		}
	})
}

func TestTheInboxIsBounded(t *testing.T) {
	var q inbox
	q.total = &queued{limit: inboxBytes << 4}
	for i := range 2 * inboxItems {
		if _, err := q.put(item{size: 1 << 10}); (err == nil) != (i < inboxBytes>>10) {
			t.Fatalf("item %d: %v", i, err)
		}
	}
	if _, _, ok := q.take(); !ok {
		t.Fatal("nothing to take")
	}
	if _, err := q.put(item{size: 1 << 10}); err != nil {
		t.Errorf("no room after one was taken: %v", err)
	}
	for range inboxBytes >> 10 {
		q.take()
	}
	if q.bytes != 0 || q.total.Load() != 0 {
		t.Errorf("%d bytes left, %d in all", q.bytes, q.total.Load())
	}
	q.total.Store(q.total.limit)
	if _, err := q.put(item{size: 1}); err != nil {
		t.Errorf("an empty inbox takes one item in any case: %v", err)
	}
	if _, err := q.put(item{size: 1}); err == nil {
		t.Error("a second one beyond the total")
	}
}

// TestWhatWaitsIsNotForgotten: an actor offers to end with what it has handled, so that
// an event published meanwhile is not forgotten with the trees: nobody else knows of it.
func TestWhatWaitsIsNotForgotten(t *testing.T) {
	for _, c := range []struct {
		name string
		put  func(q *inbox)
	}{
		{"a publication", func(q *inbox) { _, _ = q.put(item{what: &publication{}}) }},
		{"a wish of this node", func(q *inbox) { q.poke() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var q inbox
			q.total = &queued{limit: inboxBytes << 4}
			before, ok := q.handled()
			if !ok {
				t.Error("an inbox of which all is handled says that something waits")
			}
			c.put(&q)
			if _, ok := q.handled(); ok {
				t.Error("what waits counts as handled")
			}
			q.take()
			if q.close(before) {
				t.Error("closed, though something came after the offer")
			}
			if after, ok := q.handled(); !ok || !q.close(after) {
				t.Error("not closed, though all is handled")
			}
		})
	}
}

// TestAGapCostsNothingElse: a subscriber that is at work when an event becomes a
// gap, and has room, gets all others.
func TestAGapCostsNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		p, n := &publisher{node: f.nodes[0]}, f.nodes[1]
		second := func(f wire.Frame) bool {
			d, ok := f.(*wire.TopicData)
			return ok && d.Seq == 2
		}
		p.Link(n.id).(*pipe).drop.Store(&second)
		l := newLedger(t, "busy")
		open := make(chan struct{})
		busy := actor.Func(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.Bytes); ok {
				<-open
			}
			l.receive(ctx)
		})
		if _, err := n.Topics.Subscribe(t.Context(), "orders", surely, n.sys.Spawn(busy)); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			p.say(t, "orders", PublishOptions{Reliable: true})
		}
		<-time.After(15 * time.Second)
		p.say(t, "orders", PublishOptions{Reliable: true})
		close(open)
		<-time.After(time.Second)
		if got, gaps := l.count(p.node); got != 4 || gaps != 1 {
			t.Errorf("%d events and %d gaps", got, gaps)
		}
		if told := seen[*actor.TopicGap](n); len(told) != 1 || told[0].Missed != 1 || told[0].Topic != "orders" || told[0].Publisher != p.id.String() {
			t.Errorf("observers see %+v", told)
		}
	})
}
