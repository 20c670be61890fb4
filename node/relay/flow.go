package relay

import "iris/node/relay/packet"

// roomy reports whether tunnels go on. Called with mu.
func (o *outbox) roomy() bool { return o.muted || o.backlog < roomMark }

// makeRoom wakes those who wait in pace. Called with mu.
func (o *outbox) makeRoom() {
	if o.room != nil && o.roomy() {
		close(o.room)
		o.room = nil
	}
}

// try queues a packet of a tunnel, which goes as fast as its client reads: while much waits, or
// the share of all clients has no room beyond what is the client's own, it returns errFull and a
// channel. That is closed when it is worth another try, after a write at the latest.
func (o *outbox) try(p packet.Packet) (room <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.muted {
		return nil, errMuted
	}
	u := losable
	if o.backlog == 0 {
		u = vital // no write is under way that would wake it: a packet at a time always goes on
	}
	if o.roomy() && o.addAll(u, []packet.Packet{p}) == nil {
		return nil, nil
	}
	if o.room == nil {
		o.room = make(chan struct{})
	}
	return o.room, errFull
}
