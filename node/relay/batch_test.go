package relay_test

import (
	"bytes"
	"testing"

	"iris/actor"
	"iris/node/relay/packet"
)

// What comes together reaches a client whole and in its order, whatever the sizes:
// small payloads are copied out of the batch, large ones are the client's own. What
// is of a Go type is left out, and counted.
func TestBatchesOfEverySize(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		c := a.attach(t, "members")
		c.send(packet.Subscribe{Topic: "news"}, packet.Publish{Topic: "news", Payload: []byte("ready")})
		expect[packet.Publish](c)
		var want [][]byte
		for round := range 20 {
			for i, size := range []int{0, 1, 100, packet.Kept - 1, packet.Kept, 5 * packet.Kept} {
				want = append(want, bytes.Repeat([]byte{byte(6*round + i)}, size))
			}
		}
		go func() {
			for i, m := range want {
				if i%30 == 29 {
					if err := b.Publish(t.Context(), "news", typed{i}); err != nil {
						t.Error(err)
					}
				}
				if err := b.Publish(t.Context(), "news", actor.Bytes(m)); err != nil {
					t.Error(err)
				}
			}
			for _, m := range want {
				if err := b.Broadcast(t.Context(), "members", actor.Bytes(m)); err != nil {
					t.Error(err)
				}
			}
		}()
		var events, broadcasts int
		for events < len(want) || broadcasts < len(want) {
			var got []byte
			at := &events
			switch p := expect[packet.Packet](c).(type) {
			case packet.Publish:
				got = p.Payload
			case packet.Delivery:
				got, at = p.Payload, &broadcasts
			default:
				t.Fatalf("got %+v", p)
			}
			if *at == len(want) || !bytes.Equal(got, want[*at]) {
				t.Fatalf("message %d has %d bytes", *at, len(got))
			}
			*at++
		}
		if n := a.System().Counters().Dropped[actor.DeadRelay.String()]; n != 4 {
			t.Errorf("%d messages of Go types were left out", n)
		}
		c.close()
	})
}
