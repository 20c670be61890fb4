package transport

import (
	"sync/atomic"

	"iris/actor"
	"iris/transport/wire"
)

// carried counts the frames of all links that there have been, those of the control
// lanes apart. All frames that went out to a node came in there, but for what was on
// its way when a link broke: that cannot be told at either end, only be summed up.
//
//	frames that lanes took = out + those that still waited when their link broke
type carried struct{ out, in atomic.Uint64 }

// Carried returns how many frames the endpoint has handed to connections and received
// from them, control lanes apart. Of two nodes that know only each other, what one has
// sent and the other not received is what was lost with links.
func (e *Endpoint) Carried() (out, in uint64) { return e.carried.out.Load(), e.carried.in.Load() }

// isMessage reports whether a frame of kind k on a lane is a message to actors, or
// stands for one that comes in chunks.
func isMessage(k wire.Kind) bool {
	switch k {
	case wire.KindTell, wire.KindAsk, wire.KindRequest, wire.KindEvent, wire.KindBroadcast, wire.KindTopicData, wire.KindLarge:
		return true
	}
	return false
}

// abandoned makes dead letters of the messages in segments that nobody will write,
// and returns how many frames there are.
func (l *Link) abandoned(segments [][]byte) (frames int) {
	messages := map[wire.Kind]uint64{}
	for _, s := range segments {
		for k := range wire.Kinds(s) {
			if frames++; isMessage(k) {
				messages[k]++
			}
		}
	}
	for k, n := range messages {
		l.e.sys.Dropped(actor.DeadUnreachable, "node "+l.peer.Short(), k.String(), "", n)
	}
	return frames
}
