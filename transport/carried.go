package transport

import (
	"sync/atomic"

	"iris/actor"
	"iris/transport/wire"
)

// carried counts the messages to actors that all links that there have been have carried, a
// large one once, with its last chunk. All that went out to a node came in there, but for
// what was on its way when a link broke: that cannot be told at either end, only be summed
// up.
//
//	messages that links took = out + those that still waited when their link broke
type carried struct{ out, in atomic.Uint64 }

// Carried returns how many messages to actors the endpoint has handed to connections and
// received from them. Of two nodes that know only each other, what one has sent and the
// other not received is what was lost with links.
func (e *Endpoint) Carried() (out, in uint64) { return e.carried.out.Load(), e.carried.in.Load() }

// isMessage reports whether a frame of kind k is a message to actors. (Answers are in
// the books only when they are known to be lost, the upkeep of layers above never.)
func isMessage(k wire.Kind) bool {
	switch k {
	case wire.KindTell, wire.KindAsk, wire.KindRequest, wire.KindEvent, wire.KindBroadcast, wire.KindTopicData:
		return true
	}
	return false
}

// abandoned makes dead letters of the messages in segments that nobody will write.
func (l *Link) abandoned(left []filled) {
	messages := map[wire.Kind]int{}
	for _, p := range left {
		for k := range wire.Kinds(p.data) {
			if isMessage(k) {
				messages[k]++
			}
		}
	}
	for k, n := range messages {
		l.unreachable(k.String(), n)
	}
}

// abandonedChunks is abandoned for the bulk lane: a message is lost there with its last
// chunk.
func (l *Link) abandonedChunks(left []filled) {
	n := 0
	for _, p := range left {
		n += p.messages
	}
	l.unreachable(wire.KindLarge.String(), n)
}

// unreachable makes dead letters of n messages that the link did not hand to its connection.
func (l *Link) unreachable(kind string, n int) {
	if n > 0 {
		l.e.sys.Dropped(actor.DeadUnreachable, "node "+l.peer.Short(), kind, "", uint64(n))
	}
}
