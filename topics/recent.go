package topics

import (
	"sync/atomic"

	"iris/transport/wire"
)

// recentSlots is how many topics that were published to are found without a lock, a
// power of 2. Topics that fall on the same slot take turns in it.
const recentSlots = 256

// recent is a shortcut to topics, which publishers read without a lock.
type recent [recentSlots]atomic.Pointer[group] // written by holders of Topics.mu

// slot returns the slot of a topic, by its length and its last letters: names often differ
// in a number at their end.
func (r *recent) slot(topic string) *atomic.Pointer[group] {
	h := uint(len(topic))
	for i := max(0, len(topic)-4); i < len(topic); i++ {
		h = 31*h + uint(topic[i])
	}
	return &r[h%recentSlots]
}

// drop forgets a group that leaves the table. The caller holds Topics.mu.
func (r *recent) drop(g *group) {
	if g.key.Kind == wire.GroupTopic {
		r.slot(g.key.Name).CompareAndSwap(g, nil)
	}
}

// topic returns the group of a topic for a publisher.
func (t *Topics) topic(name string) (*group, error) {
	s := t.recent.slot(name)
	if g := s.Load(); g != nil && g.key.Name == name {
		return g, nil
	}
	g, err := t.named(wire.GroupTopic, name)
	if err != nil {
		return nil, err
	}
	t.mu.RLock() // so that a group that leaves the table does not stay here
	defer t.mu.RUnlock()
	if t.groups[g.key] == g {
		s.Store(g)
	}
	return g, nil
}
