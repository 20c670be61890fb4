package client

import "sync/atomic"

// Stats counts what a connection did not handle, since it began.
type Stats struct {
	BroadcastsDropped uint64 // no handler, too many waited, or the connection was closed
	EventsDropped     uint64 // too many waited, or the subscription or connection was closed
	RequestsRefused   uint64 // too many waited: the asker got a fault
	RequestsExpired   uint64 // waited, or failed, until their askers had given up, or the connection ended
	TunnelsRefused    uint64 // no handler, or too many open
	Strays            uint64 // packets for requests, topics and tunnels that are over
}

// counters are Stats while they grow.
type counters struct {
	broadcasts, events, refused, expired, tunnels, strays atomic.Uint64
}

// Stats returns the counters as they are now.
func (c *Conn) Stats() Stats {
	return Stats{
		BroadcastsDropped: c.count.broadcasts.Load(),
		EventsDropped:     c.count.events.Load(),
		RequestsRefused:   c.count.refused.Load(),
		RequestsExpired:   c.count.expired.Load(),
		TunnelsRefused:    c.count.tunnels.Load(),
		Strays:            c.count.strays.Load(),
	}
}
