package relay_test

import (
	"slices"
	"testing"
	"time"

	"iris/node/relay/packet"
)

// BenchmarkRequest is the round trip between two clients of one node.
func BenchmarkRequest(b *testing.B) {
	h := houses(b, 1)[0]
	client, service := h.attach(b, ""), h.attach(b, "echo")
	go func() {
		for {
			p, err := service.in.Next()
			if err != nil {
				return
			}
			q := p.(packet.Serve)
			if _, err := service.conn.Write(packet.Append(nil, packet.Reply{ID: q.ID, OK: true, Payload: q.Payload})); err != nil {
				return
			}
		}
	}()
	body := make([]byte, 100)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		client.send(packet.Request{ID: 1, Cluster: "echo", Payload: body, TimeoutMs: 5000})
		expect[packet.Result](client)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
}

// BenchmarkEvents is events of 1 KiB from one client to another of the same node.
func BenchmarkEvents(b *testing.B) {
	h := houses(b, 1)[0]
	publisher, reader := h.attach(b, ""), h.attach(b, "")
	reader.send(packet.Subscribe{Topic: "t"}, packet.Publish{Topic: "t"})
	expect[packet.Publish](reader)
	const batch = 64
	var octets []byte
	for range batch {
		octets = packet.Append(octets, packet.Publish{Topic: "t", Payload: make([]byte, 1024)})
	}
	b.SetBytes(1024)
	go func() {
		for {
			if _, err := publisher.conn.Write(octets); err != nil {
				return
			}
		}
	}()
	for b.Loop() {
		if _, err := reader.in.Next(); err != nil {
			b.Fatal(err)
		}
	}
	_ = publisher.conn.Close()
}
