package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// Limits of the gate.
const (
	retryAbove    = 64 // half-open handshakes from which every newcomer must prove its address
	retryRate     = 50 // unproven handshakes per second from which newcomers must prove theirs
	perSource     = 8  // half-open handshakes of one address and port
	expectedShare = 64 // half-open handshakes kept free for addresses that were announced to us
	expectedMax   = 4096
	expectedFor   = time.Minute
)

var errBusy = errors.New("too many handshakes at once")

// gate bounds what strangers may cost before they have proven the network key.
//
// A handshake under way costs about 70 KiB and, if it runs to its end, a
// millisecond of CPU. The gate counts handshakes under way. Above retryAbove
// of them, or above retryRate new ones a second, a newcomer must first answer
// a stateless Retry, which costs no memory at all; beyond max it is refused.
// Addresses that authenticated nodes announced have a share of their own, so
// a flood cannot keep a good peer out.
type gate struct {
	max    int
	now    func() time.Time
	failed func(addr string, cause error) // told of handshakes that did not end well

	mu       sync.Mutex // guards the following fields
	open     int
	sources  map[netip.AddrPort]int
	expected map[netip.AddrPort]time.Time // announced until
	swept    time.Time                    // when expected was last rid of what is over
	second   time.Time                    // start of the current second of rate
	rate     int
	refused  uint64
}

func newGate(maxHalfOpen int, now func() time.Time) *gate {
	return &gate{
		max: maxHalfOpen, now: now, failed: func(string, error) {},
		sources:  make(map[netip.AddrPort]int),
		expected: make(map[netip.AddrPort]time.Time),
	}
}

// expect announces an address that an authenticated source named.
func (g *gate) expect(addr netip.AddrPort) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if len(g.expected) >= expectedMax && now.Sub(g.swept) >= time.Second {
		g.swept = now
		for a, until := range g.expected {
			if now.After(until) {
				delete(g.expected, a)
			}
		}
	}
	if _, known := g.expected[addr]; len(g.expected) >= expectedMax && !known {
		return // the share is a favour; without it the common rules apply
	}
	g.expected[addr] = now.Add(expectedFor)
}

// mustProve reports whether a newcomer must answer a Retry first. It is called
// for every first packet, before any state exists.
func (g *gate) mustProve(net.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if now.Sub(g.second) >= time.Second {
		g.second, g.rate = now, 0
	}
	g.rate++
	return g.open >= retryAbove || g.rate > retryRate
}

// pressed reports whether handshakes should be cut short.
func (g *gate) pressed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open >= retryAbove
}

type slotKey struct{}

// admit takes a slot for a handshake or refuses it. The slot is freed by the
// first of: the connection was accepted, its context ended.
func (g *gate) admit(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	free, ok := g.take(addrPort(info.RemoteAddr))
	if !ok {
		return nil, errBusy
	}
	context.AfterFunc(ctx, func() {
		if free() {
			g.failed(info.RemoteAddr.String(), context.Cause(ctx))
		}
	})
	return context.WithValue(ctx, slotKey{}, free), nil
}

// settle frees the slot of a connection whose handshake has ended.
func settle(ctx context.Context) {
	if free, ok := ctx.Value(slotKey{}).(func() bool); ok {
		free()
	}
}

// take returns the function that frees the slot; it reports whether it did,
// once.
func (g *gate) take(src netip.AddrPort) (free func() bool, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := g.max
	if until, ok := g.expected[src]; ok && g.now().Before(until) {
		limit += expectedShare
	}
	if g.open >= limit || g.sources[src] >= perSource {
		g.refused++
		return nil, false
	}
	g.open++
	g.sources[src]++
	freed := false
	return func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		if freed {
			return false
		}
		freed = true
		g.open--
		if g.sources[src]--; g.sources[src] == 0 {
			delete(g.sources, src)
		}
		return true
	}, true
}

// addrPort returns the comparable form of a UDP address, with IPv4 unmapped;
// the zero value for anything else.
func addrPort(a net.Addr) netip.AddrPort {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := u.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
