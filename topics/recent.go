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

// slot returns the slot of a topic. Whoever chooses names that fall on the same one makes
// only his own publishers slower, so the hash is the quickest that spreads names which count.
func (r *recent) slot(topic string) *atomic.Pointer[group] {
	const odd = 0x9e3779b97f4a7c15
	h := uint64(len(topic))
	for ; len(topic) >= 8; topic = topic[8:] {
		h = (h ^ word(topic)) * odd
		h ^= h >> 32
	}
	switch n := len(topic); {
	case n >= 4:
		h = (h ^ half(topic) ^ half(topic[n-4:])<<32) * odd
	case n > 0:
		h = (h ^ uint64(topic[0]) ^ uint64(topic[n/2])<<8 ^ uint64(topic[n-1])<<16) * odd
	}
	return &r[h>>56]
}

// word returns the first eight bytes of s, and half the first four, which the compiler
// loads as one.
func word(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func half(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
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
