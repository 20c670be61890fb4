package tunnels

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
)

func TestTunnelsTellHowTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := bothNodes(t, Config{Window: 64 << 10})
		served := make(chan *Tunnel, 2)
		b.member(t, "sink", func(ctx actor.Context) {
			if in, ok := ctx.Message().(*Incoming); ok {
				served <- in.Tunnel
			}
		})
		first, second := mustOpen(t, a, "sink"), mustOpen(t, a, "sink")
		far := <-served
		for range 2 {
			if err := first.Send(context.Background(), make([]byte, 10_000)); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2 * time.Second)
		list, total := a.List("", 1)
		if total != 2 || len(list) != 1 || a.Len() != 2 {
			t.Fatalf("%d of %d", len(list), total)
		}
		i := list[0]
		if i.ID != first.ID() || i.Cluster != "sink" || i.Peer != nodeB || !i.Opened || i.Sent != 20_000 || i.SendRate != 10_000 || i.RecvRate != 0 || i.Stalled != 0 {
			t.Errorf("the end that sends: %+v", i)
		}
		if list, _ = a.List(first.ID(), 10); len(list) != 1 || list[0].ID != second.ID() {
			t.Errorf("the other: %+v", list)
		}
		there, _ := b.List("", 10)
		if len(there) != 2 || there[0].ID != far.ID() || there[0].Opened || there[0].Received != 20_000 || there[0].Unread != 20_000 {
			t.Errorf("the end that receives: %+v", there)
		}
		go func() {
			for range 10 {
				if first.Send(context.Background(), make([]byte, 10_000)) != nil {
					return
				}
			}
		}()
		<-time.After(3 * time.Second)
		if list, _ = a.List("", 1); list[0].Stalled != 3*time.Second || list[0].SendRate <= 0 || list[0].SendRate >= 20_000 {
			t.Errorf("without credit: %+v", list[0])
		}
		first.Abort(nil)
		second.Abort(nil)
		synctest.Wait()
		if list, total = a.List("", 10); total != 0 || len(list) != 0 || len(a.rates.seen) != 0 {
			t.Errorf("after the end: %+v", list)
		}
	})
}
