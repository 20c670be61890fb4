package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/node/config"
	"iris/tunnels"
)

// leaves is the leaf set of the structured worlds: with 24 nodes a node has
// links to some others only.
const leaves = 8

// inStructuredWorld runs f in a bubble with n nodes that are one ring.
func inStructuredWorld(t *testing.T, n int, f func(t *testing.T, w *world)) {
	inWorldOf(t, n, 5*time.Millisecond, func(c *config.Config) {
		c.Overlay = config.Overlay{MeshMax: 4, LeafSet: leaves}
	}, func(t *testing.T, w *world) {
		t.Logf("one ring %v after the last start", w.ring(w.nodes, time.Minute))
		f(t, w)
	})
}

// ring waits until each of the nodes is linked to its neighbours on the ring
// that they form, and to nobody else who is not one of them.
func (w *world) ring(nodes []*worldNode, patience time.Duration) time.Duration {
	w.t.Helper()
	var ids []string
	for _, n := range nodes {
		ids = append(ids, n.ID())
	}
	slices.Sort(ids)
	began := time.Now()
	for _, n := range nodes {
		for n.amiss(ids) != "" {
			pass(10 * time.Millisecond)
			if time.Since(began) > patience {
				w.t.Fatalf("no ring after %v: %s", patience, n.amiss(ids))
			}
		}
	}
	return time.Since(began)
}

// amiss says what keeps n from being in its place of the ring of ids, "" if
// nothing does.
func (n *worldNode) amiss(ids []string) string {
	linked := n.linked()
	for _, near := range neighbours(n.ID(), ids) {
		if !linked[near] {
			return fmt.Sprintf("%s has no link to its neighbour %s", n.ID(), near)
		}
	}
	for peer := range linked {
		if !slices.Contains(ids, peer) {
			return fmt.Sprintf("%s is linked to %s, which is gone", n.ID(), peer)
		}
	}
	return ""
}

// neighbours returns who of the ring of ids belongs into the leaf set of self: of
// either half of the ring those that are nearest.
func neighbours(self string, ids []string) (list []string) {
	at := slices.Index(ids, self)
	me, _ := id.Parse(self)
	opposite := id.ID{Hi: me.Hi ^ 1<<63, Lo: me.Lo}
	for d := 1; d <= min(leaves, len(ids)-1)/2; d++ {
		after, before := ids[(at+d)%len(ids)], ids[(at-d+len(ids))%len(ids)]
		if a, _ := id.Parse(after); id.Between(me, a, opposite) {
			list = append(list, after)
		}
		if b, _ := id.Parse(before); id.Between(opposite, b, me) {
			list = append(list, before)
		}
	}
	return list
}

// linked returns the ids of the peers that are not suspected.
func (n *worldNode) linked() map[string]bool {
	set := map[string]bool{}
	for _, p := range n.Peers() {
		if !p.Suspect {
			set[p.ID] = true
		}
	}
	return set
}

// many are so many nodes that there are strangers whatever the ids: of 496 pairs
// some 120 have no link, and were never seen to be fewer than 70.
const many = 32

// strangers calls f for so many pairs of nodes without a link, each when it is
// found: what f does may link others.
func (w *world) strangers(count int, f func(a, b *worldNode)) {
	w.t.Helper()
	found := 0
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			if found < count && a != b && !a.linked()[b.ID()] {
				found++
				f(a, b)
			}
		}
	}
	if found < count {
		w.t.Errorf("%d pairs of nodes had no link, want %d: the test shows little", found, count)
	}
}

// sign registers cluster at n; its handler answers who it is.
func (n *worldNode) sign(t *testing.T, cluster string) {
	t.Helper()
	if _, err := n.Register(cluster, actor.Func(func(ctx actor.Context) {
		if _, ok := ctx.Message().(actor.Bytes); ok {
			ctx.Respond(actor.Bytes(cluster + "@" + n.ID()))
		}
	})); err != nil {
		t.Fatal(err)
	}
}

// everyone calls f for all nodes at the same time.
func everyone(nodes []*worldNode, f func(i int, n *worldNode)) {
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { f(i, n) })
	}
	wg.Wait()
}

// Actors are reached by PID on nodes that the sender has no link to, and tunnels
// open to them.
func TestStructuredWorldReachesStrangers(t *testing.T) {
	inStructuredWorld(t, many, func(t *testing.T, w *world) {
		pids := map[*worldNode]*actor.PID{}
		for i, n := range w.nodes {
			pids[n] = n.System().Spawn(actor.Func(func(ctx actor.Context) {
				if _, ok := ctx.Message().(actor.Bytes); ok {
					ctx.Respond(actor.Bytes(n.ID()))
				}
			}))
			if _, err := n.Register(fmt.Sprint("upper", i), actor.Func(upper)); err != nil {
				t.Fatal(err)
			}
		}
		nth := 0
		w.strangers(20, func(a, b *worldNode) {
			if nth++; nth%2 == 0 {
				if got, err := a.System().Root().Request(t.Context(), pids[b], actor.Bytes("who")); err != nil || string(got.(actor.Bytes)) != b.ID() {
					t.Errorf("the actor on a stranger answers %v, %v", got, err)
				}
				return
			}
			text := strings.Repeat("text ", 50_000)
			tun, err := a.Tunnel(t.Context(), fmt.Sprint("upper", slices.Index(w.nodes, b)))
			if err != nil {
				t.Errorf("tunnel to a stranger: %v", err)
				return
			}
			if err := tun.Send(t.Context(), []byte(text)); err != nil {
				t.Errorf("send to a stranger: %v", err)
			}
			if got, err := tun.Recv(t.Context()); err != nil || string(got) != strings.ToUpper(text) {
				t.Errorf("%d bytes came back as %d, %v", len(text), len(got), err)
			}
			if err := tun.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	})
}

// upper answers what comes through tunnels in capitals.
func upper(ctx actor.Context) {
	in, ok := ctx.Message().(*tunnels.Incoming)
	if !ok {
		return
	}
	go func() {
		for {
			m, err := in.Tunnel.Recv(context.Background())
			if err != nil {
				_ = in.Tunnel.Close() // the other end has closed
				return
			}
			if err := in.Tunnel.Send(context.Background(), []byte(strings.ToUpper(string(m)))); err != nil {
				return
			}
		}
	}()
}

// Every node asks every other by cluster, and all hear every event and every
// broadcast once, in the order of its sender.
func TestStructuredWorldServesNames(t *testing.T) {
	inStructuredWorld(t, 24, func(t *testing.T, w *world) {
		const rounds = 3
		var mu sync.Mutex
		heard := map[string][]string{} // listener and sender -> what was heard, in order
		listen := func(who string) *actor.Props {
			return actor.Func(func(ctx actor.Context) {
				if m, ok := ctx.Message().(actor.Bytes); ok {
					mu.Lock()
					defer mu.Unlock()
					key := who + " of " + actor.Meta(ctx).Origin
					heard[key] = append(heard[key], string(m))
				}
			})
		}
		everyone(w.nodes, func(i int, n *worldNode) {
			n.sign(t, fmt.Sprint("c", i))
			if _, err := n.Subscribe("news", listen(fmt.Sprint("event at ", i))); err != nil {
				t.Error(err)
			}
			if _, err := n.Register("all", listen(fmt.Sprint("broadcast at ", i))); err != nil {
				t.Error(err)
			}
		})
		everyone(w.nodes, func(_ int, n *worldNode) {
			for j, m := range w.nodes {
				cluster := fmt.Sprint("c", j)
				got, err := Ask[actor.Bytes](t.Context(), n.Node, cluster, actor.Bytes("who"))
				if want := cluster + "@" + m.ID(); err != nil || string(got) != want {
					t.Errorf("cluster %s answers %q, %v, want %q", cluster, got, err, want)
				}
			}
			for r := range rounds {
				text := actor.Bytes(fmt.Sprint(r))
				if err := errors.Join(n.Publish(t.Context(), "news", text), n.Broadcast(t.Context(), "all", text)); err != nil {
					t.Errorf("publish, broadcast: %v", err)
				}
			}
		})
		pass(2 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		bad := 0
		for i := range w.nodes {
			for _, kind := range []string{"event", "broadcast"} {
				for _, from := range w.nodes {
					key := fmt.Sprintf("%s at %d of %s", kind, i, from.ID())
					if got := strings.Join(heard[key], " "); got != "0 1 2" {
						if bad++; bad < 10 {
							t.Errorf("%s: heard %q", key, got)
						}
					}
				}
			}
		}
		t.Logf("%d of %d senders were not heard in full", bad, 2*len(w.nodes)*len(w.nodes))
	})
}

// inquiry is requests from some nodes to clusters, each checked.
type inquiry struct {
	serves map[string][]string // cluster -> ids of the nodes that serve it
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex // guards the following fields
	asked    int
	wrong    []string
	failures []refusal
}

// refusal is a request that failed.
type refusal struct {
	cluster string
	asker   *worldNode
	err     error
	sent    time.Time
	ended   time.Time
}

// ask lets each of the nodes send a request to a random cluster every so often,
// until end is called.
func ask(nodes []*worldNode, serves map[string][]string, every time.Duration) *inquiry {
	ctx, cancel := context.WithCancel(context.Background())
	q := &inquiry{serves: serves, cancel: cancel}
	clusters := slices.Sorted(maps.Keys(serves))
	for _, n := range nodes {
		q.wg.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for ctx.Err() == nil {
				cluster := clusters[rand.IntN(len(clusters))]
				q.wg.Go(func() { q.request(n, cluster) })
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	return q
}

func (q *inquiry) request(n *worldNode, cluster string) {
	sent := time.Now()
	got, err := Ask[actor.Bytes](context.Background(), n.Node, cluster, actor.Bytes("who"))
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked++
	name, node, _ := strings.Cut(string(got), "@")
	switch {
	case err != nil:
		q.failures = append(q.failures, refusal{cluster, n, err, sent, time.Now()})
	case name != cluster || !slices.Contains(q.serves[cluster], node):
		q.wrong = append(q.wrong, fmt.Sprintf("%s answered for %s", got, cluster))
	}
}

// end waits for the last answers and fails for wrong ones.
func (q *inquiry) end(t *testing.T) []refusal {
	t.Helper()
	q.cancel()
	q.wg.Wait()
	if len(q.wrong) > 0 {
		t.Errorf("%d wrong answers: %q", len(q.wrong), q.wrong[0])
	}
	t.Logf("%d requests, %d failed", q.asked, len(q.failures))
	return q.failures
}

// serve registers clusters at random nodes, every other one at two.
func (w *world) serve(clusters int) map[string][]string {
	serves := map[string][]string{}
	for i := range clusters {
		name := fmt.Sprint("cluster", i)
		for _, k := range rand.Perm(len(w.nodes))[:1+i%2] {
			w.nodes[k].sign(w.t, name)
			serves[name] = append(serves[name], w.nodes[k].ID())
		}
	}
	return serves
}

// A quarter of the nodes goes dark at the same instant while everybody asks:
// hosts that say nothing are found dead within 6 s. Until then requests may fail
// whose list or member was with the dead; later only those to clusters that nobody
// serves any more.
func TestStructuredWorldLosesAQuarter(t *testing.T) {
	inStructuredWorld(t, 24, func(t *testing.T, w *world) {
		serves := w.serve(30)
		dead, alive := w.nodes[:6], w.nodes[6:]
		q := ask(alive, serves, 200*time.Millisecond)
		pass(5 * time.Second)
		at := time.Now()
		for _, d := range dead {
			for _, n := range w.nodes {
				w.air.cut(d, n, true)
				w.air.cut(n, d, true)
			}
		}
		pass(15 * time.Second)
		gone := func(node string) bool {
			return slices.ContainsFunc(dead, func(d *worldNode) bool { return d.ID() == node })
		}
		kinds := map[string]int{}
		for _, f := range q.end(t) {
			living := len(slices.DeleteFunc(slices.Clone(serves[f.cluster]), gone))
			kind := outcome(f.err)
			kinds[kind]++
			switch {
			case kind == "" || living == len(serves[f.cluster]) && f.sent.Sub(at) > 6*time.Second:
				t.Errorf("%v after the loss a request to %s, of which %d of %d nodes live, failed: %v",
					f.ended.Sub(at), f.cluster, living, len(serves[f.cluster]), f.err)
			case living > 0 && errors.Is(f.err, actor.ErrNoMembers):
				t.Errorf("%v after the loss %s, which has a member, failed: %v", f.ended.Sub(at), f.cluster, f.err)
			case living > 0 && f.sent.Sub(at) > 6*time.Second:
				t.Errorf("a request sent %v after the loss failed: %v", f.sent.Sub(at), f.err)
			case living == 0 && f.sent.Sub(at) > 8*time.Second && kind != "no members" && kind != "unreachable": // both: not executed
				t.Errorf("%v after the loss a request to %s, which is gone, failed with %v", f.sent.Sub(at), f.cluster, f.err)
			}
		}
		t.Logf("failed: %v", kinds)
		w.ring(alive, 20*time.Second)
	})
}

// The ring is cut in two halves, each of which goes on by itself, and heals.
func TestStructuredWorldSplitAndHealed(t *testing.T) {
	long(t)
	inStructuredWorld(t, 24, func(t *testing.T, w *world) {
		serves := w.serve(30)
		halves := [][]*worldNode{w.nodes[:12], w.nodes[12:]}
		split := func(gone bool) {
			for _, l := range halves[0] {
				for _, r := range halves[1] {
					w.air.cut(l, r, gone)
					w.air.cut(r, l, gone)
				}
			}
		}
		split(true)
		for _, half := range halves {
			t.Logf("a ring of its own after %v", w.ring(half, time.Minute))
		}
		pass(10 * time.Second)
		for _, half := range halves {
			here := map[string][]string{}
			for c, nodes := range serves {
				for _, n := range half {
					if slices.Contains(nodes, n.ID()) {
						here[c] = append(here[c], n.ID())
					}
				}
			}
			q := ask(half, here, 200*time.Millisecond)
			pass(5 * time.Second)
			for _, f := range q.end(t) {
				t.Errorf("within a half a request to %s failed: %v", f.cluster, f.err)
			}
		}
		split(false)
		t.Logf("one ring again after %v", w.ring(w.nodes, 30*time.Second))
		pass(5 * time.Second)
		q := ask(w.nodes, serves, 200*time.Millisecond)
		pass(5 * time.Second)
		for _, f := range q.end(t) {
			t.Errorf("after the heal a request to %s failed: %v", f.cluster, f.err)
		}
	})
}
