package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"iris/router/pastry"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// tidings is an event that a publisher sends to each member of a list, in one hop.
type tidings struct {
	seq  uint64
	sent pastry.Time
}

// listing is what became of the events of a plain topic that is kept as a list.
type listing struct {
	audit
	l         *List
	last      map[[2]pastry.Handle]uint64 // seq, by publisher and subscriber
	owed      map[pastry.Handle]uint64    // published
	delivered map[[2]pastry.Handle]int
	strangers int // that got an event
}

// listed reports whether the topics are kept as lists: plain ones of few members are.
func (p *Publishing) listed() bool { return !p.Reliable && p.Members <= scribe.TreesAbove }

// list runs one topic that is kept as a list.
func (x *publishing) list(name string) *audit {
	l := x.NewList(wire.Group{Kind: wire.GroupTopic, Name: name})
	y := &listing{l: l, last: map[[2]pastry.Handle]uint64{}, owed: map[pastry.Handle]uint64{}, delivered: map[[2]pastry.Handle]int{}}
	l.taken = func(s *seat, from pastry.Handle, msg any) { y.take(x.World, s.h, from, msg.(*tidings)) }
	who := slices.Clone(x.ring)
	x.rng.Shuffle(len(who), func(i, j int) { who[i], who[j] = who[j], who[i] })
	members := who[:x.Members]
	for _, h := range members {
		l.Join(h, 1)
		x.Run(x.now + x.p.Pace)
	}
	x.untilAgreed(l, time.Minute)
	x.res.HeapMiB = max(x.res.HeapMiB, live(x.World))
	publishers := slices.Clone(who[len(who)-min(x.p.Publishers, len(who)):])
	x.tell(y, publishers)
	x.settle(y, members)
	for _, h := range members {
		if x.members[h].node != nil {
			l.Join(h, 0)
		}
	}
	x.Run(x.now + 2*time.Minute)
	for _, s := range l.parts {
		if s != nil {
			x.fail("node %v still takes part in a list without members", x.book.ID(s.h).Short())
		}
	}
	return &y.audit
}

// untilAgreed runs until all who take part in a list agree on it.
func (x *publishing) untilAgreed(l *List, limit time.Duration) {
	for begin := x.now; !l.Agreed() && x.err == nil; x.Run(x.now + 100*time.Millisecond) {
		if x.now-begin > limit {
			x.fail("the list is not agreed upon after %v", limit)
		}
	}
}

// tell lets the publishers publish in rounds.
func (x *publishing) tell(y *listing, publishers []pastry.Handle) {
	for _, h := range publishers {
		y.l.View(h)
	}
	x.untilAgreed(y.l, time.Minute)
	x.Run(x.now + time.Second)
	x.Net.Loss = x.Loss
	sent, overlay := x.forest.sent, x.overlayControl()
	x.mark, x.seconds = x.now, 0
	for i := 0; i < x.p.Messages && x.err == nil; i++ {
		for _, h := range publishers {
			if x.members[h].node != nil {
				y.publish(x.World, h)
			}
		}
		if i == x.p.Messages/2 && x.p.Crash > 0 {
			x.crashPart()
		}
		x.Run(x.now + x.Duration/time.Duration(x.p.Messages))
	}
	x.Run(x.now + time.Second)
	x.Net.Loss = 0
	x.exposure()
	for k := range sent {
		x.res.sent[k] += x.forest.sent[k] - sent[k]
	}
	x.res.measured += x.seconds
	x.res.Control += x.overlayControl() - overlay
}

// publish sends an event to every member that the list of h names.
func (y *listing) publish(w *World, h pastry.Handle) {
	v := y.l.View(h)
	if v == nil {
		return // no list: the publisher is told so
	}
	y.owed[h]++
	m := &tidings{seq: y.owed[h], sent: w.now}
	for _, e := range v.Entries {
		if to := w.forest.latest[e.Node]; to == h {
			y.take(w, h, h, m)
		} else {
			w.forest.post(h, e.Node, parcel{msg: m, topic: y.l.index, stripe: toList})
		}
	}
}

func (y *listing) take(w *World, h, from pastry.Handle, m *tidings) {
	way := [2]pastry.Handle{from, h}
	switch {
	case y.l.at(h) == nil || y.l.at(h).members == 0:
		y.strangers++
		return
	case m.seq <= y.last[way]:
		y.duplicates++
		return
	}
	y.last[way] = m.seq
	y.delivered[way]++
	if h != from {
		y.took(w.now-m.sent, w.Net.delay(w, from, h))
	}
}

// settle sums up for the publishers and members that live.
func (x *publishing) settle(y *listing, members []pastry.Handle) {
	t := Tally{Duplicates: y.duplicates}
	for h, n := range y.owed {
		if x.members[h].node == nil {
			continue
		}
		t.Messages += int(n)
		for _, m := range members {
			if x.members[m].node != nil {
				t.Published += int(n)
				t.Delivered += y.delivered[[2]pastry.Handle{h, m}]
			}
		}
	}
	t.Missing = t.Published - t.Delivered
	x.res.Tally.add(t)
	x.res.Strangers += float64(y.strangers)
	switch {
	case y.strangers > 0:
		x.fail("%d deliveries to nodes that are no members", y.strangers)
	case t.Duplicates > 0:
		x.fail("%d deliveries of what a subscriber had", t.Duplicates)
	case t.Missing > 0 && x.Loss == 0:
		x.fail("%d of %d messages did not arrive over links that lose nothing", t.Missing, t.Published)
	}
}

// errChurn is returned for what lists are not simulated with.
var errChurn = errors.New("session: plain topics of few members are kept as lists, which are simulated without churn; want 0s")

func (x *publishing) topic(i int) *audit {
	name := fmt.Sprintf("topic %d of seed %d", i, x.Seed)
	if x.p.listed() {
		x.res.Mode = "list"
		return x.list(name)
	}
	x.t = x.NewTopic(name, x.p.Reliable)
	x.grow()
	x.publish()
	x.vanish()
	return &x.t.audit
}
