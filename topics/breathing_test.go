package topics

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/topics/scribe"
	"iris/topics/tree"
	"iris/transport/wire"
)

var news = wire.Group{Kind: wire.GroupTopic, Name: "news"}

// breathe lets the subscribers of a topic go up and down between 20 and 40 nodes
// while three nodes publish, one of them a subscriber now and then. Ledgers check
// that each gets the events of each publisher once and in order.
func breathe(t *testing.T, f *fabric, tides int) (crossings int) {
	rnd := rand.New(rand.NewPCG(7, 7))
	pubs := []*publisher{{node: f.nodes[0]}, {node: f.nodes[1]}, {node: f.nodes[30]}}
	type reader struct {
		*ledger
		*Registration
	}
	var readers []reader
	mode := scribe.List
	publish := func(pause time.Duration) {
		for _, p := range pubs {
			p.say(t, "news", PublishOptions{})
		}
		if v := pubs[0].find(news.Kind, news.Name).view.Load(); v != nil && v.Mode != mode {
			mode = v.Mode
			crossings++
		}
		<-time.After(pause)
	}
	check := func(r reader) {
		for _, p := range pubs {
			r.mu.Lock()
			if k := p.id.String(); r.got[k] > 0 && r.next[k] != p.sent {
				t.Errorf("%s was at %d of %s when %d were sent", r.name, r.next[k], p.id.Short(), p.sent)
			}
			r.mu.Unlock()
		}
	}
	const most, least, quick, slow = 40, 20, 10 * time.Millisecond, 50 * time.Millisecond
	for range tides {
		for ; len(readers) < most; publish(quick) {
			l := newLedger(t, fmt.Sprint(len(readers)))
			n := f.nodes[10+len(readers)]
			r, err := n.Topics.Subscribe(t.Context(), "news", SubscribeOptions{}, n.sys.Spawn(l.props()))
			if err != nil {
				t.Fatal(err)
			}
			readers = append(readers, reader{l, r})
		}
		for range 200 + rnd.IntN(200) { // while they go over
			publish(quick)
		}
		for range 50 + rnd.IntN(200) {
			publish(slow)
		}
		for ; len(readers) > least; publish(quick) {
			last := readers[len(readers)-1]
			<-time.After(time.Second) // what is under way arrives
			check(last)
			readers = readers[:len(readers)-1]
			if err := last.Leave(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for end := time.Now().Add(3 * time.Minute); mode == scribe.Trees || rnd.IntN(100) > 0; publish(slow) {
			if time.Now().After(end) {
				t.Fatal("the topic has not become a list again")
			}
		}
	}
	<-time.After(time.Second)
	for _, r := range readers {
		check(r)
	}
	return crossings
}

func TestTopicBreathesAroundTheBoundOfLists(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T) *fabric
	}{
		{"mesh", func(t *testing.T) *fabric { return newFabric(t, 60) }},
		{"structured", func(t *testing.T) *fabric { return newRing(t, 60, 8) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if n := breathe(t, c.make(t), 1); n != 2 {
					t.Errorf("the topic crossed between list and trees %d times, want 2", n)
				}
			})
		})
	}
}

// The root of a topic that is kept by trees dies. Plain events that are under way are
// lost; a few seconds later nobody misses any.
func TestRootOfATopicDiesWhileItIsTrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRing(t, 60, 8)
		root := f.root(tree.Key(news))
		var heard []*counter
		for _, n := range f.nodes {
			if n == root || len(heard) == 40 {
				continue
			}
			c := &counter{last: map[string]uint64{}}
			if _, err := n.Topics.Subscribe(t.Context(), "news", SubscribeOptions{}, n.sys.Spawn(c.props())); err != nil {
				t.Fatal(err)
			}
			heard = append(heard, c)
		}
		var pubs []*publisher
		for _, n := range f.nodes[50:] {
			if n != root && len(pubs) < 3 {
				pubs = append(pubs, &publisher{node: n})
			}
		}
		publish := func(d time.Duration) {
			for range d / (20 * time.Millisecond) {
				for _, p := range pubs {
					p.say(t, "news", PublishOptions{})
				}
				<-time.After(20 * time.Millisecond)
			}
		}
		all := func() (n uint64) {
			for _, c := range heard {
				n += c.count()
			}
			return n
		}
		const second = 40 * 3 * 50 // events
		publish(10 * time.Second)
		if n := all(); n != 10*second {
			t.Errorf("%d events of %d before", n, 10*second)
		}
		f.end(root)
		before := all()
		publish(time.Second)
		lost := second - (all() - before)
		before = all()
		publish(30 * time.Second)
		if n := all() - before; n != 30*second {
			t.Errorf("%d events of %d later", n, 30*second)
		}
		for _, c := range heard {
			if c.disorder > 0 {
				t.Errorf("%d events came twice or too late", c.disorder)
			}
		}
		t.Logf("%d of %d events of the second after the death were lost", lost, second)
	})
}

// counter counts the events of all publishers.
type counter struct {
	mu       sync.Mutex // guards the following fields
	last     map[string]uint64
	got      uint64
	disorder int
}

func (c *counter) props() *actor.Props {
	return actor.Func(func(ctx actor.Context) {
		m, ok := ctx.Message().(actor.Bytes)
		if !ok {
			return
		}
		var from string
		var seq uint64
		_, _ = fmt.Sscan(string(m), &from, &seq)
		c.mu.Lock()
		defer c.mu.Unlock()
		if last, known := c.last[from]; known && seq <= last {
			c.disorder++
			return
		}
		c.last[from] = seq
		c.got++
	})
}

func (c *counter) count() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}
