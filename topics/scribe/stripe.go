package scribe

import "iris/internal/id"

// Stripes is the number of trees of a group.
const Stripes = 2

// Thresholds of member nodes at which a group changes between list and trees.
const (
	TreesAbove = 32 // a list with more member nodes becomes trees
	ListAt     = 24 // trees with so few member nodes become a list
)

// Mode tells how a group is kept.
type Mode uint8

// The modes.
const (
	List Mode = iota
	Trees
)

// NextMode returns how a group of so many member nodes is kept from now on.
func NextMode(current Mode, nodes int) Mode {
	switch {
	case nodes > TreesAbove:
		return Trees
	case nodes <= ListAt:
		return List
	}
	return current
}

// StripeKey returns the key of stripe i of k (1 <= k <= 16, 0 <= i < k) of a topic:
// the topic's key with another first digit. Stripe 0 has the topic's own key.
func StripeKey(topic id.ID, i, k int) id.ID {
	d := (topic.Hi>>60 + uint64(i*16/k)) & 15
	topic.Hi = topic.Hi&(1<<60-1) | d<<60
	return topic
}

// StripeOf returns the stripe that carries all messages of a publisher. Ids are
// hashes, so any bits spread publishers evenly; these do not choose routes.
func StripeOf(publisher id.ID, k int) int { return int(publisher.Lo % uint64(k)) }
