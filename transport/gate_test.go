package transport

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

func source(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, byte(n >> 8), byte(n)}), 7000)
}

func TestGateBoundsHalfOpenHandshakes(t *testing.T) {
	g := newGate(256, time.Now)
	var frees []func() bool
	for i := range 10_000 {
		if free, ok := g.take(source(i)); ok {
			frees = append(frees, free)
		}
	}
	if len(frees) != 256 {
		t.Fatalf("admitted %d, want 256", len(frees))
	}
	good := source(20_000)
	if _, ok := g.take(good); ok {
		t.Fatal("a stranger was admitted beyond the limit")
	}
	g.expect(good)
	free, ok := g.take(good)
	if !ok {
		t.Fatal("an announced address was kept out by strangers")
	}
	free()
	for _, f := range frees {
		if !f() || f() {
			t.Fatal("a slot must be freed exactly once")
		}
	}
	if g.open != 0 || len(g.sources) != 0 {
		t.Errorf("after all were freed: open %d, sources %d", g.open, len(g.sources))
	}
}

func TestGateBoundsOneSource(t *testing.T) {
	g := newGate(256, time.Now)
	n := 0
	for range 100 {
		if _, ok := g.take(source(1)); ok {
			n++
		}
	}
	if n != perSource {
		t.Errorf("one source holds %d slots, want %d", n, perSource)
	}
}

func TestGateAsksForProofUnderLoad(t *testing.T) {
	now := time.Unix(1000, 0)
	g := newGate(256, func() time.Time { return now })
	asked := 0
	for range 2 * retryRate {
		if g.mustProve(nil) {
			asked++
		}
	}
	if asked != retryRate {
		t.Errorf("asked %d of %d newcomers in one second, want %d", asked, 2*retryRate, retryRate)
	}
	now = now.Add(time.Second)
	if g.mustProve(nil) {
		t.Error("still asks after the burst")
	}
	for i := range retryAbove {
		g.take(source(i))
	}
	now = now.Add(time.Second)
	if !g.mustProve(nil) || !g.pressed() {
		t.Error("does not ask while many handshakes are open")
	}
}

func TestGateFreesWithTheContext(t *testing.T) {
	g := newGate(1, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	info := &quic.ClientInfo{RemoteAddr: net.UDPAddrFromAddrPort(source(1))}
	inner, err := g.admit(ctx, info)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.admit(ctx, info); err == nil {
		t.Fatal("second handshake admitted")
	}
	settle(inner)
	if _, err := g.admit(ctx, info); err != nil {
		t.Fatalf("not admitted after the first settled: %v", err)
	}
	cancel()
}

// The connection window must hold a full window of every stream, else unread
// lanes stop control.
func TestConnectionWindowHoldsEveryStream(t *testing.T) {
	c := quicConfig(1024)
	if want := uint64(1+c.MaxIncomingUniStreams) * c.MaxStreamReceiveWindow; c.InitialConnectionReceiveWindow < want {
		t.Errorf("connection window %d < %d", c.InitialConnectionReceiveWindow, want)
	}
	if c.InitialStreamReceiveWindow != c.MaxStreamReceiveWindow || c.InitialConnectionReceiveWindow != c.MaxConnectionReceiveWindow {
		t.Error("windows may grow")
	}
	if c.Allow0RTT || c.EnableDatagrams {
		t.Error("0-RTT and datagrams must be off")
	}
}
