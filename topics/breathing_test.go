package topics

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"iris/topics/scribe"
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
		for mode == scribe.Trees || rnd.IntN(100) > 0 {
			publish(slow)
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
