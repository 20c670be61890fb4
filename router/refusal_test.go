package router

import (
	"context"
	"net"
	"testing"

	"iris/router/detector"
	"iris/transport"
	"iris/transport/wire"
)

func TestHostProberTellsClosedFromSilent(t *testing.T) {
	open, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback:", err)
	}
	addr := open.LocalAddr().String()
	if (hostProber{}).Refused(t.Context(), addr) {
		t.Error("a socket that says nothing was taken for closed")
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	if !(hostProber{}).Refused(t.Context(), addr) {
		t.Error("a closed port was not noticed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if (hostProber{}).Refused(ctx, addr) || (hostProber{}).Refused(t.Context(), "nonsense") {
		t.Error("no question, but an answer")
	}
}

func TestOnlyReachableAddressesAreTrusted(t *testing.T) {
	n := newNetwork(t)
	for _, c := range []struct {
		addr   string
		dialed bool
		want   bool
	}{
		{"192.0.2.1:4", true, true},
		{"192.0.2.1:4", false, false},
		{"127.0.0.1:4", false, true},
		{"[::ffff:127.0.0.1]:4", false, true},
		{"[::1]:4", false, true},
		{"nonsense", false, false},
	} {
		l := &fakeLink{dialed: c.dialed, other: &fakeLink{e: &fakeEndpoint{net: n, addr: c.addr}}}
		if got := trusted(l); got != c.want {
			t.Errorf("trusted(%s, dialed %v) = %v", c.addr, c.dialed, got)
		}
	}
}

func TestWhatTheEndOfALinkTells(t *testing.T) {
	for _, c := range []struct {
		down transport.LinkDown
		want detector.Loss
	}{
		{transport.LinkDown{Code: wire.CodeLeave, Remote: true}, detector.Left},
		{transport.LinkDown{Code: wire.CodeLeave}, detector.Silent},
		{transport.LinkDown{Code: wire.CodeInternal, Remote: true, Restarted: true}, detector.Restarted},
		{transport.LinkDown{Code: wire.CodeDead, Remote: true}, detector.Closed},
		{transport.LinkDown{Code: wire.CodeStuck}, detector.Silent}, // idle timeout
		{transport.LinkDown{Code: wire.CodeStuck, Remote: true}, detector.Closed},
		{transport.LinkDown{Code: wire.CodeProtocol}, detector.Closed},
		{transport.LinkDown{Code: wire.CodeDuplicate}, detector.Closed},
		{transport.LinkDown{Code: wire.CodeInternal}, detector.Silent},
	} {
		if got := explain(&c.down).how; got != c.want {
			t.Errorf("%+v tells %d, want %d", c.down, got, c.want)
		}
	}
}

func TestLargeMeshWatchesNeighboursClosely(t *testing.T) {
	var peers []Peer
	for i := range uint64(200) {
		peers = append(peers, Peer{ID: nodeID(i + 1)})
	}
	r := NewRoutes(nodeID(1), 1, peers)
	near := 0
	for _, p := range r.Peers() {
		if r.period(p.ID).Seconds() == 1 {
			near++
		} else if r.period(p.ID) != farLimit {
			t.Errorf("period %v", r.period(p.ID))
		}
	}
	if near != 2*meshNear {
		t.Errorf("%d are watched closely, want %d", near, 2*meshNear)
	}
	if small := NewRoutes(nodeID(1), 1, peers[:20]); small.period(nodeID(11)).Seconds() != 1 {
		t.Error("in a small mesh everybody is")
	}
}
