package router

import (
	"slices"
	"sync"
	"time"
)

// maxLosses is how many peers that are gone are remembered, for people.
const maxLosses = 32

// Loss is a peer that is one no more.
type Loss struct {
	Peer   Peer // as it was known last
	At     time.Time
	Reason string
}

// losses are the latest, oldest first.
type losses struct {
	mu   sync.Mutex // guards list
	list []Loss
}

func (l *losses) note(x Loss) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(old Loss) bool { return old.Peer.ID == x.Peer.ID })
	if len(l.list) == maxLosses {
		l.list = slices.Delete(l.list, 0, 1)
	}
	l.list = append(l.list, x)
}

// Losses returns the peers that were lost or left since some time, the latest 32 at
// most, oldest first. Some may be back.
func (r *Router) Losses(since time.Time) []Loss {
	r.losses.mu.Lock()
	defer r.losses.mu.Unlock()
	i := slices.IndexFunc(r.losses.list, func(x Loss) bool { return !x.At.Before(since) })
	if i < 0 {
		return nil
	}
	return slices.Clone(r.losses.list[i:])
}
