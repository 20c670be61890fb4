package actor

import proto "github.com/asynkron/protoactor-go/actor"

// remoteProcess is what protoactor sees of all actors of other nodes. It is stateless because protoactor keeps it inside
// PIDs for ever.
type remoteProcess struct{ sys *System }

func (p remoteProcess) SendUserMessage(to *PID, msg any) {
	msg, sender := unwrap(msg)
	p.sys.Send(to, sender, msg)
}

// SendSystemMessage drops: parents, children and watchers that protoactor knows of are all on this node.
func (p remoteProcess) SendSystemMessage(*PID, any) {}

func (p remoteProcess) Stop(*PID) {}

// tellTerminated reports the end of t.Who to a watcher.
func (s *System) tellTerminated(to *PID, t *Terminated) {
	if s.isLocal(to) {
		if c := s.cells.get(to.Id); c != nil {
			watcher{cell: c}.ended(t.Who, int(t.Why))
		}
		return
	}
	if r := s.remote.Load(); r != nil {
		_ = (*r).Terminated(to, t.Who, int(t.Why)) // unreachable: the watcher learns that its own way
	}
}

// RemoteWatch registers an actor of node from as a watcher of a local one. Actors a peer may not address, and watches
// over the limit of 65536 per node, are answered as not found.
func (s *System) RemoteWatch(from, watcherID, watcheeID string) {
	by, who := &PID{Address: from, Id: watcherID}, &PID{Address: s.node, Id: watcheeID}
	if !addressable(watcheeID) {
		s.lost(DeadDenied, who, by, &proto.Watch{})
	} else if s.watches.addIn(from, watcheeID, watcherID) {
		// An actor that ends now either finds the record or is not found here.
		if s.cells.get(watcheeID) != nil || !s.watches.takeIn(from, watcheeID, watcherID) {
			return
		}
	}
	s.tellTerminated(by, &Terminated{Who: who, Why: TerminatedNotFound})
}

// RemoteUnwatch takes a watch back.
func (s *System) RemoteUnwatch(from, watcherID, watcheeID string) {
	s.watches.takeIn(from, watcheeID, watcherID)
}

// RemoteTerminated delivers the end of an actor of node from to its watcher here. It is ignored unless that watch exists:
// a peer cannot report the end of actors of others, nor of actors nobody watches.
func (s *System) RemoteTerminated(from, whoID, watcherID string, why int) {
	if by, ok := s.watches.takeOut(from, whoID, watcherID); ok {
		by.ended(&PID{Address: from, Id: whoID}, why)
	}
}

// RemoteStop stops or poisons a local actor for a peer, if its Props were Exported.
func (s *System) RemoteStop(from, targetID string, poison bool) {
	c := s.cells.get(targetID)
	if c == nil || !c.props.exported {
		s.lost(DeadDenied, &PID{Address: s.node, Id: targetID}, &PID{Address: from}, &proto.Stop{})
		return
	}
	endCell(c, poison)
}

// Dependent returns the nodes that actors here depend on, or that depend on actors here: they owe replies, watch or
// are watched. Without a link to such a node its end would go unnoticed. It walks all pending replies.
func (s *System) Dependent() map[string]struct{} {
	nodes := make(map[string]struct{})
	s.watches.nodes(nodes)
	s.replies.nodes(nodes)
	delete(nodes, s.node)
	return nodes
}

// NodeLost ends everything that depends on node: local watchers of its actors get Terminated, its watches here are
// forgotten, and every reply it owes is ErrLost.
func (s *System) NodeLost(node string) {
	for who, watchers := range s.watches.takeNode(node) {
		for _, by := range watchers {
			by.ended(&PID{Address: node, Id: who}, int(TerminatedNodeLost))
		}
	}
	s.replies.lost(node)
}
