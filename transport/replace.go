package transport

import (
	"iris/internal/id"
	"iris/transport/wire"
)

// Who waits for a peer hears of it when the link ends, before the next one takes its
// place: what is then lost is what went over the old link, never what the new one carries.
//
//	end ──▶ nothing is sent any more ──▶ tellLost ──▶ out of the table, or another link in

// vacate sees to it that no link stands in the way of a new one to peer: the one held
// ends, if it has not, and who waits for it is told. The caller holds mu, which is released
// meanwhile; when vacate reports true the caller has to look at everything again.
func (e *Endpoint) vacate(peer id.ID, reason string) bool {
	old := e.Link(peer)
	if old == nil || old.told.Load() {
		return false
	}
	e.mu.Unlock()
	defer e.mu.Lock()
	old.stop(wire.CodeDuplicate, reason) // whoever ends it meanwhile: nothing is sent or handled any more
	old.tellLost()
	return true
}

// tellLost tells those here who wait for the peer of l, which has ended, and returns when
// they were told. A link that was closed with wire.CodeOK has lost nothing: the owner
// decides what becomes of those who wait.
func (l *Link) tellLost() {
	l.telling.Do(func() {
		defer l.told.Store(true)
		l.mu.Lock()
		code := l.cause.Code
		l.mu.Unlock()
		if code != wire.CodeOK {
			l.e.sys.NodeLost(l.name)
		}
	})
}
