package relay_test

import (
	"strings"
	"testing"

	"iris/actor"
	"iris/node/relay/packet"
)

// A tunnel that is offered to a program that does not read ends after a while, and nothing else
// does: when it reads again it confirms the offer, and is told that the tunnel has ended.
func TestOfferToAClientThatDoesNotRead(t *testing.T) {
	const messages = 16
	h := houses(t, 1)[0]
	client, service := h.attach(t, ""), h.attach(t, "tun")
	before := h.System().Counters().Delivered
	for range messages {
		if err := h.Broadcast(t.Context(), "tun", make(actor.Bytes, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "messages that wait", func() bool { return h.System().Counters().Delivered >= before+messages })
	client.send(packet.TunInit{Tunnel: 7, Cluster: "tun", TimeoutMs: 60_000})
	expect[packet.TunResult](client)
	expect[packet.TunAllow](client)
	if got := expect[packet.TunClosed](client); !strings.Contains(got.Reason, "does not read") {
		t.Errorf("closed with %q", got.Reason)
	}
	for range messages {
		expect[packet.Delivery](service)
	}
	service.send(packet.TunConfirm{Build: expect[packet.TunOffer](service).Build, Tunnel: 9})
	expect[packet.TunAllow](service)
	if got := expect[packet.TunClosed](service); got.Tunnel != 9 || !strings.Contains(got.Reason, "does not read") {
		t.Errorf("closed with %+v", got)
	}
	service.quiet()
	service.close()
}
