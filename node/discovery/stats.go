package discovery

import (
	"sync/atomic"

	"iris/node/discovery/lookup"
)

// reason says why a datagram was dropped.
type reason int

const (
	dropSource    reason = iota + 1 // too many from one source
	dropTotal                       // too many in all
	dropMalformed                   // not a beacon
	dropVersion                     // of another version
	dropForeign                     // of another network
	dropForged                      // wrong MAC
	dropReplay                      // heard before
	dropClock                       // too old or too new
	dropQueue                       // the run goroutine was behind
	reasons
)

// Stats are totals since Start.
type Stats struct {
	Sent       uint64 // datagrams
	SendFailed uint64 // datagrams that no interface took
	Own        uint64 // own datagrams that came back
	Accepted   uint64 // beacons of other nodes
	Answered   uint64 // beacons sent as an answer
	Suppressed uint64 // answers that others made needless

	DroppedSource    uint64 // more than 20 per second from one source
	DroppedTotal     uint64 // more than 2000 per second in all
	DroppedMalformed uint64 // not a beacon, or one with unusable content
	DroppedVersion   uint64 // of another version
	DroppedForeign   uint64 // of another network
	DroppedForged    uint64 // wrong MAC
	DroppedReplay    uint64 // heard before
	DroppedClock     uint64 // more than 5 minutes off our clock
	DroppedQueue     uint64 // this process was too slow

	Lookups []lookup.Status // of each provider, in the order of the configuration
}

// counters are the live form of Stats, written by any goroutine of discovery.
type counters struct {
	sent, sendFailed, own, accepted, answered, suppressed atomic.Uint64

	dropped [reasons]atomic.Uint64
}

// Stats returns the totals since Start; they need not be of one instant.
func (d *Discovery) Stats() Stats {
	c := &d.counts
	return Stats{
		Sent: c.sent.Load(), SendFailed: c.sendFailed.Load(), Own: c.own.Load(),
		Accepted: c.accepted.Load(), Answered: c.answered.Load(), Suppressed: c.suppressed.Load(),
		DroppedSource: c.dropped[dropSource].Load(), DroppedTotal: c.dropped[dropTotal].Load(),
		DroppedMalformed: c.dropped[dropMalformed].Load(), DroppedVersion: c.dropped[dropVersion].Load(),
		DroppedForeign: c.dropped[dropForeign].Load(), DroppedForged: c.dropped[dropForged].Load(),
		DroppedReplay: c.dropped[dropReplay].Load(), DroppedClock: c.dropped[dropClock].Load(),
		DroppedQueue: c.dropped[dropQueue].Load(), Lookups: d.asking.Status(),
	}
}
