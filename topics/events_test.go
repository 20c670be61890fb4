package topics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/transport"
	"iris/transport/wire"
)

func TestBroadcastReachesEveryMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		var handled atomic.Int64
		for _, n := range f.nodes {
			n.serve(t, "c", echo(n, &handled), 3)
		}
		for i, n := range f.nodes {
			if err := n.Broadcast(t.Context(), "c", actor.Bytes("x"), BroadcastOptions{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := handled.Load(); got != int64(9*(i+1)) {
				t.Errorf("%d deliveries after %d broadcasts to 9 members", got, i+1)
			}
		}
	})
}

type reader struct {
	mu  sync.Mutex
	got []string
}

func (r *reader) props() *actor.Props {
	return actor.Func(func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.got = append(r.got, fmt.Sprintf("%s %s %s", actor.Meta(ctx).Kind, actor.Meta(ctx).Topic, m))
		}
	})
}

func (r *reader) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

func TestEventsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		readers := make([]*reader, 3)
		for i, n := range f.nodes {
			readers[i] = &reader{}
			if _, err := n.Topics.Subscribe(t.Context(), "news", SubscribeOptions{}, n.sys.Spawn(readers[i].props())); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		// An actor sends before its node has a view: the sends queue in order.
		pub := f.nodes[1].sys.Spawn(actor.Func(func(ctx actor.Context) {
			if n, ok := ctx.Message().(int); ok {
				ctx.Send(actor.Topic("news"), actor.Bytes(fmt.Sprint(n)))
			}
		}))
		for i := range 50 {
			want = append(want, fmt.Sprintf("event news %d", i))
			f.nodes[1].sys.Send(pub, nil, i)
		}
		synctest.Wait()
		for i := 50; i < 60; i++ {
			want = append(want, fmt.Sprintf("event news %d", i))
			if err := f.nodes[1].Publish(t.Context(), "news", actor.Bytes(fmt.Sprint(i)), PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for i, r := range readers {
			if !slices.Equal(r.got, want) {
				t.Errorf("reader %d got %v", i, r.got)
			}
		}
	})
}

func TestSlowPeerDoesNotHoldThePublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		readers := []*reader{{}, {}}
		for i, n := range f.nodes[:2] {
			if _, err := n.Topics.Subscribe(t.Context(), "news", SubscribeOptions{}, n.sys.Spawn(readers[i].props())); err != nil {
				t.Fatal(err)
			}
		}
		pub := f.nodes[2]
		resume := pub.Link(f.nodes[0].id).(*pipe).pause(transport.Fanout)
		const events = 2000
		begin := time.Now()
		for i := range events {
			if err := pub.Publish(t.Context(), "news", actor.Bytes(fmt.Sprint(i)), PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if took := time.Since(begin); took > 2*patience {
			t.Errorf("publishing took %v beside a stuck peer", took)
		}
		if got := readers[1].count(); got != events {
			t.Errorf("the healthy subscriber got %d of %d", got, events)
		}
		over := seen[*actor.Overloaded](pub)
		if len(over) != 1 {
			t.Errorf("%d Overloaded events", len(over))
		}
		resume()
		<-time.After(2 * maxHold)
		for range 3 {
			if err := pub.Publish(t.Context(), "news", actor.Bytes("again"), PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2 * checkEvery)
		synctest.Wait()
		if r := seen[*actor.Relieved](pub); len(r) != 1 || r[0].Dropped == 0 {
			t.Errorf("Relieved events: %+v", r)
		}
		missed := uint64(0)
		for _, d := range seen[*actor.DeadLetter](pub) {
			missed += d.Count
		}
		if got := readers[0].count(); uint64(got)+missed != events+3 {
			t.Errorf("slow subscriber: %d got, %d dead letters of %d", got, missed, events+3)
		}
	})
}

// Whoever has stopped costs the publisher one patience, however long it lasts and
// however much is published; a peer that is slow and goes on is waited for longer.
func TestAStoppedPeerIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 3)
		readers := []*reader{{}, {}}
		for i, n := range f.nodes[:2] {
			if _, err := n.Topics.Subscribe(t.Context(), "news", SubscribeOptions{}, n.sys.Spawn(readers[i].props())); err != nil {
				t.Fatal(err)
			}
		}
		pub := f.nodes[2]
		var waited time.Duration
		publish := func(n int) {
			t.Helper()
			begin := time.Now()
			for range n {
				if err := pub.Publish(t.Context(), "news", actor.Bytes("x"), PublishOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			waited += time.Since(begin)
		}
		lane := pub.Link(f.nodes[0].id).(*pipe)
		resume := lane.pause(transport.Fanout)
		for range 100 {
			publish(100)
			<-time.After(100 * time.Millisecond)
		}
		if waited > patience+10*time.Millisecond {
			t.Errorf("a peer that stopped for 10 s was waited for %v", waited)
		}
		if o, r := len(seen[*actor.Overloaded](pub)), len(seen[*actor.Relieved](pub)); o != 1 || r != 0 {
			t.Errorf("Overloaded %d times, Relieved %d times", o, r)
		}
		before := readers[0].count()
		resume()
		synctest.Wait()
		publish(1)
		synctest.Wait()
		if got := readers[0].count() - before; got != laneFrames+1 {
			t.Errorf("going on, it got %d events", got)
		}
		if r := len(seen[*actor.Relieved](pub)); r != 1 {
			t.Errorf("Relieved %d times", r)
		}

		waited, before = 0, readers[0].count()
		lane.drop.Store(new(func(wire.Frame) bool { // a link that carries an event each 40 ms
			<-time.After(40 * time.Millisecond)
			return false
		}))
		publish(laneFrames + 10)
		if waited < 3*patience || waited > slowest {
			t.Errorf("a peer that goes on was waited for %v", waited)
		}
		<-time.After(10 * time.Second)
		if got := readers[0].count() - before; got != laneFrames+10 {
			t.Errorf("a peer that goes on got %d of %d events", got, laneFrames+10)
		}
	})
}

func TestPublisherIsHeldWhenNobodyTakesAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(t, 2)
		r := &reader{}
		if _, err := f.nodes[0].Topics.Subscribe(t.Context(), "news", SubscribeOptions{}, f.nodes[0].sys.Spawn(r.props())); err != nil {
			t.Fatal(err)
		}
		pub := f.nodes[1]
		if err := pub.Publish(t.Context(), "news", actor.Bytes("x"), PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		resume := pub.Link(f.nodes[0].id).(*pipe).pause(transport.Fanout)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		n := 1
		var err error
		for err == nil {
			if err = pub.Publish(ctx, "news", actor.Bytes("x"), PublishOptions{}); err == nil {
				n++
			}
		}
		if !errors.Is(err, actor.ErrTimeout) {
			t.Errorf("error %v", err)
		}
		resume()
		synctest.Wait()
		if got := r.count(); got != n {
			t.Errorf("%d of %d events arrived", got, n)
		}
	})
}
