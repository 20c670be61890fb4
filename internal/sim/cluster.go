package sim

import (
	"math/rand/v2"
	"time"

	"iris/internal/id"
	"iris/router/pastry"
	"iris/topics/balance"
	"iris/topics/tree"
	"iris/transport/wire"
)

// Cluster is a cluster of a world: its member list, and the balancers of those who
// ask it.
type Cluster struct {
	l      *List
	askers map[pastry.Handle]*asker
	loads  map[pastry.Handle]int // of members: requests there

	Sent, Answered, Lost, Nobody int // requests: all, answered, not in time, for whom there was no member
}

// asker is a node that sends requests to the cluster.
type asker struct {
	h    pastry.Handle
	b    *balance.Balancer
	seq  uint64
	open map[uint64]asked
	gone map[id.ID]bool // members that it knows to be dead
}

// asked is a request without an answer.
type asked struct {
	to    id.ID
	at    int
	begin pastry.Time
}

// call is a request, its end at the member, its answer, or the end of its time.
type call struct {
	seq  uint64
	step callStep
	by   pastry.Handle // of callDone: who asked
	load balance.Load
}

type callStep uint8

const (
	callAsks callStep = iota
	callDone
	callAnswers
	callEnds
)

const callTimeout = 5 * time.Second

// NewCluster adds a cluster to the world.
func (w *World) NewCluster(name string) *Cluster {
	c := &Cluster{l: w.NewList(wire.Group{Kind: wire.GroupCluster, Name: name}), askers: map[pastry.Handle]*asker{}, loads: map[pastry.Handle]int{}}
	c.l.taken = func(s *seat, from pastry.Handle, msg any) { c.take(s.h, from, msg.(*call)) }
	c.l.moved = func(s *seat) {
		if a := c.askers[s.h]; a != nil {
			a.update(s.view)
		}
	}
	c.l.mourn = func(s *seat, n id.ID) {
		if a := c.askers[s.h]; a != nil && c.l.f.w.members[c.l.f.latest[n]].node == nil {
			a.gone[n] = true
		}
	}
	return c
}

func (a *asker) update(v *tree.View) {
	var list []balance.Candidate
	if v != nil {
		for _, e := range v.Entries {
			list = append(list, balance.Candidate{Node: e.Node, Members: e.Members, Zone: e.Zone, Draining: e.Draining})
			delete(a.gone, e.Node)
		}
	}
	a.b.Update(list)
}

// Join makes a node a member.
func (c *Cluster) Join(h pastry.Handle) { c.l.Join(h, workers) }

// Ask lets a node send a request to a member that its balancer chooses.
func (c *Cluster) Ask(h pastry.Handle) {
	f := c.l.f
	a := c.askers[h]
	if a == nil {
		a = &asker{h: h, open: map[uint64]asked{}, gone: map[id.ID]bool{}}
		a.b = balance.New(balance.Config{}, rand.New(rand.NewPCG(f.w.seed, 1<<34+uint64(h))))
		c.askers[h] = a
		a.update(c.l.View(h))
	}
	c.Sent++
	if c.l.View(h) == nil {
		c.Nobody++
		return
	}
	now := f.clock(h)
	n, ok := a.b.Pick(now, everybody, nil)
	if !ok {
		c.Nobody++
		return
	}
	if a.gone[n] {
		f.w.fail("%v asks %v, which it knows to be dead, at %v", f.w.book.ID(h).Short(), n.Short(), f.w.now)
	}
	a.seq++
	a.open[a.seq] = asked{n, a.b.Sent(n), f.w.now}
	if to := f.latest[n]; to == h {
		c.take(h, h, &call{seq: a.seq})
	} else {
		c.post(h, n, &call{seq: a.seq})
	}
	c.later(h, callTimeout, &call{seq: a.seq, step: callEnds})
}

func (c *Cluster) post(from pastry.Handle, to id.ID, m *call) {
	c.l.f.post(from, to, parcel{msg: m, topic: c.l.index, stripe: toList})
}

// later lets something happen at a node.
func (c *Cluster) later(h pastry.Handle, d time.Duration, m *call) {
	c.l.f.put(c.l.f.w.now+d, h, h, parcel{msg: m, topic: c.l.index, stripe: toList})
}

// take handles a call that arrives at a node.
func (c *Cluster) take(h, from pastry.Handle, m *call) {
	f := c.l.f
	switch m.step {
	case callAsks:
		c.loads[h]++
		took := time.Duration(f.rng.ExpFloat64() * float64(service) * float64(1+c.loads[h]/workers))
		c.later(h, took, &call{seq: m.seq, step: callDone, by: from})
	case callDone:
		c.loads[h]--
		answer := &call{seq: m.seq, step: callAnswers, load: balance.Load{InFlight: uint32(c.loads[h]), Latency: service}}
		if m.by == h {
			c.take(h, h, answer)
		} else {
			c.post(h, f.w.book.ID(m.by), answer)
		}
	case callAnswers:
		c.end(h, m.seq, balance.Served, &m.load)
	case callEnds:
		c.end(h, m.seq, balance.Unknown, nil)
	}
}

// end ends a request of a node.
func (c *Cluster) end(h pastry.Handle, seq uint64, o balance.Outcome, load *balance.Load) {
	a := c.askers[h]
	if a == nil {
		return
	}
	q, ok := a.open[seq]
	if !ok {
		return
	}
	delete(a.open, seq)
	if o == balance.Served {
		c.Answered++
	} else {
		c.Lost++
	}
	f := c.l.f
	a.b.Done(f.clock(h), q.to, q.at, f.w.now-q.begin, o, load)
	if err := a.b.Valid(); err != nil {
		f.w.fail("balancer of %v at %v: %w", f.w.book.ID(h).Short(), f.w.now, err)
	}
}

// Open returns how many requests of living askers are neither answered nor over.
func (c *Cluster) Open() (n int) {
	for h, a := range c.askers {
		if c.l.f.w.members[h].node != nil {
			n += len(a.open)
		}
	}
	return n
}
