package topics

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/transport/wire"
)

// ledger is a reader that holds what it gets to the promise: of each publisher
// every event once and in order, or a gap of its length in its place.
type ledger struct {
	t    testing.TB
	name string

	mu   sync.Mutex // guards the following fields
	next map[string]uint64
	gaps map[string]uint64
	got  map[string]uint64
}

func newLedger(t testing.TB, name string) *ledger {
	return &ledger{t: t, name: name, next: map[string]uint64{}, gaps: map[string]uint64{}, got: map[string]uint64{}}
}

func (l *ledger) props() *actor.Props { return actor.Func(l.receive) }

func (l *ledger) receive(ctx actor.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch m := ctx.Message().(type) {
	case actor.Bytes:
		var from string
		var seq uint64
		if _, err := fmt.Sscan(string(m), &from, &seq); err != nil {
			l.t.Errorf("%s: %q", l.name, m)
			return
		}
		if meta := actor.Meta(ctx); meta.Kind != actor.Event || meta.Origin != from {
			l.t.Errorf("%s: event of %s came with %+v", l.name, from, meta)
		}
		if want, known := l.next[from]; known && seq != want {
			l.t.Errorf("%s: got %d of %s when %d was next", l.name, seq, from[:8], want)
		}
		l.next[from] = seq + 1
		l.got[from]++
	case *actor.TopicGap:
		l.next[m.Publisher] += m.Missed
		l.gaps[m.Publisher] += m.Missed
	}
}

// count returns events and gaps of a publisher.
func (l *ledger) count(n *node) (got, gaps uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.got[n.id.String()], l.gaps[n.id.String()]
}

var surely = SubscribeOptions{Reliable: true}

// hear adds a subscriber. All that it gets of the publishers given
// begins with the number that they are at.
func (n *node) hear(t testing.TB, topic string, o SubscribeOptions, pubs ...*publisher) *ledger {
	t.Helper()
	l := newLedger(t, n.id.Short())
	for _, p := range pubs {
		l.next[p.id.String()] = p.sent
	}
	if _, err := n.Topics.Subscribe(t.Context(), topic, o, n.sys.Spawn(l.props())); err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	return l
}

// publisher numbers its events.
type publisher struct {
	*node
	sent uint64
}

func (p *publisher) say(t testing.TB, topic string, o PublishOptions) {
	t.Helper()
	if err := p.Publish(t.Context(), topic, actor.Bytes(fmt.Sprint(p.id, " ", p.sent)), o); err != nil {
		t.Errorf("publish: %v", err)
	}
	p.sent++
}

func TestReliableTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 6)
		var heard []*ledger
		for _, n := range f.nodes[:4] {
			heard = append(heard, n.hear(t, "orders", surely))
		}
		plain := f.nodes[4].hear(t, "orders", SubscribeOptions{})
		// Two publish inside of the trees, one outside; the plain subscriber hears all.
		pubs := []*publisher{{node: f.nodes[0]}, {node: f.nodes[3]}, {node: f.nodes[5]}}
		for range 50 {
			for _, p := range pubs {
				p.say(t, "orders", PublishOptions{Reliable: true})
			}
		}
		<-time.After(5 * time.Second)
		for _, l := range append(heard, plain) {
			for _, p := range pubs {
				if got, gaps := l.count(p.node); got != p.sent || gaps != 0 {
					t.Errorf("%s heard %d and %d gaps of %d", l.name, got, gaps, p.sent)
				}
			}
		}
		told := 0
		for _, n := range f.nodes[:4] {
			for _, c := range seen[*actor.TreeParentChanged](n) {
				if c.Topic != "orders" || c.Parent == "" || c.Parent == c.Previous || c.Parent == n.id.String() {
					t.Errorf("node %s was told %+v", n.id.Short(), c)
				}
				told++
			}
		}
		if told < 3 {
			t.Errorf("%d news of parents, of three subscribers or more that have one", told)
		}
		// Plain events reach everybody too, once.
		f.nodes[5].hear(t, "other", surely)
		for _, p := range pubs {
			p.say(t, "orders", PublishOptions{})
		}
		<-time.After(time.Second)
		for _, l := range append(heard, plain) {
			for _, p := range pubs {
				if got, _ := l.count(p.node); got != p.sent {
					t.Errorf("%s heard %d of %d with plain ones", l.name, got, p.sent)
				}
			}
		}
	})
}

func TestTreesVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 5)
		var regs []*Registration
		for _, n := range f.nodes[:3] {
			r, err := n.Topics.Subscribe(t.Context(), "orders", surely, n.sys.Spawn(actor.Func(func(actor.Context) {})))
			if err != nil {
				t.Fatal(err)
			}
			regs = append(regs, r)
		}
		p := publisher{node: f.nodes[4]}
		p.say(t, "orders", PublishOptions{Reliable: true})
		<-time.After(time.Second)
		if f.nodes[0].treesOf(wire.Group{Kind: wire.GroupReliable, Name: "orders"}) == nil {
			t.Fatal("a subscriber has no trees")
		}
		for _, r := range regs {
			if err := r.Leave(t.Context()); err != nil {
				t.Errorf("leave: %v", err)
			}
		}
		<-time.After(5 * time.Minute)
		for _, n := range f.nodes {
			if n := len(n.allTrees()); n > 0 {
				t.Errorf("%d trees left", n)
			}
			if kids := n.sys.Stats().Actors; kids > 10 {
				t.Errorf("%d actors left", kids)
			}
		}
	})
}
