package node

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/node/config"
)

var (
	full  = flag.Bool("full", false, "run the worlds of reliable topics in full: 40 nodes, 100 topics")
	fully = flag.Duration("lasts", time.Hour, "virtual time for which links are cut in full; it takes about as long")
)

// Subscribers of reliable topics miss nothing without being told, whatever
// links fail meanwhile: of each publisher a subscriber gets every event once, in
// order, or a TopicGap that counts it. In full:
//
//	go test ./node -run WorldOfCuts -v -timeout 3h -args -full
func TestReliableTopicsInAWorldOfCuts(t *testing.T) {
	nodes, topics, lasts := 10, 10, time.Minute
	if *full {
		nodes, topics, lasts = 40, 100, *fully
	}
	for form, overlay := range map[string]config.Overlay{"mesh": {}, "structured": {MeshMax: 4, LeafSet: 4}} {
		t.Run(form, func(t *testing.T) {
			if form == "mesh" {
				long(t)
			}
			reliable := map[string]config.Topic{}
			for i := range topics {
				reliable[fmt.Sprint("topic", i)] = config.Topic{Reliable: true}
			}
			inWorldOf(t, nodes, 5*time.Millisecond, func(c *config.Config) {
				c.Overlay, c.Topics = overlay, reliable
			}, func(t *testing.T, w *world) {
				newsroom(t, w, slices.Sorted(maps.Keys(reliable)), lasts)
			})
		})
	}
}

// channel is what one subscriber gets of one publisher of a topic.
type channel struct {
	topic      string
	subscriber int
	publisher  int
}

// books is the account of all channels.
type books struct {
	mu        sync.Mutex // guards the following fields
	published map[string]map[int]uint64
	failed    map[string]map[int][]uint64 // published with an error: may have come or not
	last      map[channel]uint64          // number of the last event heard
	heard     map[channel]uint64
	missed    map[channel]uint64 // told to the subscriber, in the place of what is missing
	reported  map[channel]uint64 // told to observers
	wrong     []string
}

// newsroom runs publishers and subscribers while links are cut and healed, and
// closes the books.
func newsroom(t *testing.T, w *world, topics []string, lasts time.Duration) {
	b := &books{
		published: map[string]map[int]uint64{}, failed: map[string]map[int][]uint64{},
		last: map[channel]uint64{}, heard: map[channel]uint64{}, missed: map[channel]uint64{}, reported: map[channel]uint64{},
	}
	seed := rand.Uint64()
	t.Logf("seed of the cuts %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 40))
	index := map[string]int{}
	for i, n := range w.nodes {
		index[n.ID()] = i
	}
	for i, n := range w.nodes {
		n.Events().Subscribe(func(ev any) {
			if e, ok := ev.(*actor.TopicGap); ok {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.reported[channel{e.Topic, i, index[e.Publisher]}] += e.Missed
			}
		})
	}
	var channels []channel
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, topic := range topics {
		who := rnd.Perm(len(w.nodes))
		subscribers, publishers := who[:4], []int{who[0], who[4]} // one publisher hears itself
		for _, s := range subscribers {
			if _, err := w.nodes[s].Subscribe(topic, actor.Func(b.reader(topic, s, index))); err != nil {
				t.Fatal(err)
			}
			for _, p := range publishers {
				channels = append(channels, channel{topic, s, p})
			}
		}
		b.published[topic], b.failed[topic] = map[int]uint64{}, map[int][]uint64{}
	}
	pass(5 * time.Second) // every subscriber has a place in its trees
	begun := map[channel]bool{}
	for _, c := range channels {
		if c.subscriber = 0; begun[c] {
			continue
		}
		begun[c] = true
		phase := time.Duration(rnd.IntN(3000)) * time.Millisecond
		wg.Go(func() {
			pass(phase)
			for ctx.Err() == nil {
				b.publish(w, c.topic, c.publisher)
				pass(3 * time.Second)
			}
		})
	}
	cuts := w.havoc(rnd, lasts)
	cancel()
	wg.Wait()
	pass(30 * time.Second) // what can be made good is made good, the rest is given up
	b.close(t, channels, cuts)
}

// reader handles the events of one subscriber. index has the publishers by id.
func (b *books) reader(topic string, subscriber int, index map[string]int) func(actor.Context) {
	since := map[int]uint64{} // by publisher: missed since the last event
	return func(ctx actor.Context) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch m := ctx.Message().(type) {
		case *actor.TopicGap:
			p := index[m.Publisher]
			b.missed[channel{topic, subscriber, p}] += m.Missed
			since[p] += m.Missed
		case actor.Bytes:
			c := channel{topic, subscriber, int(binary.BigEndian.Uint64(m))}
			n, failed := binary.BigEndian.Uint64(m[8:]), b.failed[topic][c.publisher]
			if n <= b.last[c] || len(failed) == 0 && n != b.last[c]+1+since[c.publisher] {
				b.wrong = append(b.wrong, fmt.Sprintf("%v %v: heard %d after %d and a gap of %d", time.Now().Format("04:05"), c, n, b.last[c], since[c.publisher]))
			}
			b.last[c], since[c.publisher] = n, 0
			if !slices.Contains(failed, n) {
				b.heard[c]++
			}
		}
	}
}

func (b *books) publish(w *world, topic string, publisher int) {
	b.mu.Lock()
	b.published[topic][publisher]++
	n := b.published[topic][publisher]
	b.mu.Unlock()
	m := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(publisher)), n)
	ctx, done := context.WithTimeout(context.Background(), 30*time.Second)
	defer done()
	if err := w.nodes[publisher].Publish(ctx, topic, actor.Bytes(m)); err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.failed[topic][publisher] = append(b.failed[topic][publisher], n)
	}
}

// havoc cuts ways for up to 20 s each, and now and then all of one node, and
// heals everything in the end. It returns how many cuts there were.
func (w *world) havoc(rnd *rand.Rand, lasts time.Duration) (cuts int) {
	began, tenth := time.Now(), 1
	end := began.Add(lasts)
	type way struct{ from, to *worldNode }
	until := map[way]time.Time{}
	cut := func(from, to *worldNode, t time.Time) {
		if from == to {
			return
		}
		cuts++
		until[way{from, to}] = t
		w.air.cut(from, to, true)
	}
	for time.Now().Before(end) {
		if *full && time.Since(began) > time.Duration(tenth)*lasts/10 {
			w.t.Logf("%d tenths are over, %d cuts", tenth, cuts)
			tenth++
		}
		heal := time.Now().Add(time.Duration(500+rnd.IntN(19_500)) * time.Millisecond)
		a, b := w.nodes[rnd.IntN(len(w.nodes))], w.nodes[rnd.IntN(len(w.nodes))]
		switch {
		case rnd.IntN(20) == 0:
			for _, n := range w.nodes {
				cut(a, n, heal)
				cut(n, a, heal)
			}
		case rnd.IntN(3) == 0:
			cut(a, b, heal)
		default:
			cut(a, b, heal)
			cut(b, a, heal)
		}
		pass(time.Duration(rnd.IntN(20_000/len(w.nodes))) * time.Millisecond)
		for c, t := range until {
			if time.Now().After(t) {
				w.air.cut(c.from, c.to, false)
				delete(until, c)
			}
		}
	}
	for c := range until {
		w.air.cut(c.from, c.to, false)
	}
	return cuts
}

// close compares what was published with what was heard and reported missed.
func (b *books) close(t *testing.T, channels []channel, cuts int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, text := range b.wrong {
		if i == 10 {
			break
		}
		t.Errorf("twice, out of order or missed in silence: %s", text)
	}
	var published, heard, missed, failed uint64
	bad := 0
	for _, c := range channels {
		unsure := uint64(len(b.failed[c.topic][c.publisher]))
		sure := b.published[c.topic][c.publisher] - unsure
		published, heard, missed, failed = published+sure, heard+b.heard[c], missed+b.missed[c], failed+unsure
		if lacks := sure - b.heard[c]; b.missed[c] < lacks || b.missed[c] > lacks+unsure || b.missed[c] != b.reported[c] {
			if bad++; bad <= 10 {
				t.Errorf("%s at %d of %d: published %d and %d with errors, heard %d, told of %d missed, observers of %d",
					c.topic, c.subscriber, c.publisher, sure, unsure, b.heard[c], b.missed[c], b.reported[c])
			}
		}
	}
	t.Logf("%d cuts; over %d channels %d published, %d heard, %d in gaps, %d failed to publish; %d channels do not add up",
		cuts, len(channels), published, heard, missed, failed, bad)
	if published == 0 {
		t.Error("nothing was published: the test shows nothing")
	}
}
