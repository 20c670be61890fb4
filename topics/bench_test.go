package topics

import (
	"sync/atomic"
	"testing"

	"iris/actor"
)

// BenchmarkRequestLocal measures a request to a member on the same node: view,
// balancer, reply table, mailbox and back.
func BenchmarkRequestLocal(b *testing.B) {
	f := &fabric{t: b}
	n := f.add(0)
	b.Cleanup(f.close)
	n.serve(b, "c", echo(n, nil), 1)
	msg := actor.Bytes("x")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Request(b.Context(), "c", msg, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPublishReliable measures an event for 2 remote subscribers through the
// reliable trees on in-memory links, until both have it.
func BenchmarkPublishReliable(b *testing.B) {
	f := &fabric{t: b}
	for i := range 3 {
		f.add(i)
	}
	f.link()
	b.Cleanup(f.close)
	var heard atomic.Int64
	for _, n := range f.nodes[:2] {
		r := n.sys.Spawn(actor.Func(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.Bytes); ok {
				heard.Add(1)
			}
		}))
		if _, err := n.Topics.Subscribe(b.Context(), "news", surely, r); err != nil {
			b.Fatal(err)
		}
	}
	msg := actor.Bytes(make([]byte, 1024))
	b.ReportAllocs()
	for b.Loop() {
		if err := f.nodes[2].Publish(b.Context(), "news", msg, PublishOptions{Reliable: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heard.Load())/2/float64(b.N), "heard/op")
}
