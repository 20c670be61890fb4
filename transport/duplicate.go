package transport

import "iris/internal/id"

// verdict is what an acceptor does with a new connection of a known peer.
type verdict uint8

const (
	accept  verdict = iota // take it as the link
	replace                // take it, and drop the link held so far
	refuse                 // close it with DUPLICATE: another link stays
	wait                   // our own dial to the peer is under way: let it decide
)

// held describes the link that the acceptor has with the peer, if any.
type held struct {
	up     bool
	dialed bool // we dialled it
}

// judge decides about a connection that peer dialled to self.
//
// Both ends may dial at once. The dial of the smaller id stays: the smaller
// side lets its own dial decide before it accepts, the larger side accepts at
// once, so nothing that was sent is lost by a later swap. A peer only dials
// when it holds no link; the exception is a dial that crossed ours, which is
// why a link that we dialled wins over a plain new one. A peer that was
// refused and still holds no link insists, and then our link is stale.
func judge(self, peer id.ID, have held, dialing, insists bool) verdict {
	switch {
	case have.up && (insists || !have.dialed):
		return replace
	case have.up:
		return refuse
	case dialing && !insists && self.Compare(peer) < 0:
		return wait
	default:
		return accept
	}
}
