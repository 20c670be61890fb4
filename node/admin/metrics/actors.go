package metrics

import (
	"maps"
	"slices"
	"strings"
	"time"
)

var (
	sent       = counter("iris_messages_sent_total", "Messages handed to mailboxes, names and other nodes.")
	delivered  = counter("iris_messages_delivered_total", "Messages that a handler was called with.")
	dead       = counter("iris_dead_letters_total", "Messages given up, by the reason why.", "reason")
	failures   = counter("iris_handler_failures_total", "Panics of handlers.")
	restarts   = counter("iris_handler_restarts_total", "Restarts of handlers, by supervisors and by command.")
	population = gauge("iris_actors", "Actors that run or stop, by the part of the node that they belong to.", "part")
	depth      = gauge("iris_mailbox_messages", "Messages that wait in mailboxes.", "part")
	depthBytes = gauge("iris_mailbox_bytes", "Bytes of payload that wait in mailboxes.", "part")
	oldest     = gauge("iris_mailbox_oldest_seconds", "Seconds that the message that waits longest has waited, in steps of 0.1.", "part")
	processed  = counter("iris_handled_messages_total", "Messages that handlers have dealt with, those that ended included.", "part")
	processing = counter("iris_handling_seconds_total", "Seconds spent in handlers, in steps of 0.1 for each, exact on average, those that ended included.", "part")

	actorFamilies = []*Family{sent, delivered, dead, failures, restarts, population, depth, depthBytes, oldest, processed, processing}
)

// root is the actor above all others, and maxParts bounds those directly below it
// that are looked at.
const (
	root     = "iris"
	maxParts = 256
)

// part is what a branch below the root sums up.
type part struct {
	actors, queued int
	bytes          int64
	oldest         float64
	handled        uint64
	busy           time.Duration
}

// actors tells of messages and of who handles them.
func (c *Collector) actors(s scrape) {
	n := c.cfg.System.Counters()
	s.put(sent, float64(n.Sent))
	s.put(delivered, float64(n.Delivered))
	s.put(failures, float64(n.Failures))
	s.put(restarts, float64(n.Restarts))
	for reason, count := range n.Dropped {
		s.put(dead, float64(count), reason)
	}
	parts := c.branches()
	for _, label := range slices.Sorted(maps.Keys(parts)) {
		p := parts[label]
		s.put(population, float64(p.actors), label)
		s.put(depth, float64(p.queued), label)
		s.put(depthBytes, float64(p.bytes), label)
		s.put(oldest, p.oldest, label)
		s.put(processed, float64(p.handled), label)
		s.put(processing, p.busy.Seconds(), label)
	}
}

// branches sums up the actors by what is directly below the root.
func (c *Collector) branches() map[string]*part {
	list, _ := c.cfg.System.Level(root, "", maxParts)
	var labels []string
	for _, a := range list {
		labels = append(labels, branch(a.ID))
	}
	c.parts.learn(labels)
	parts := map[string]*part{}
	for i, a := range list {
		label := c.parts.label(labels[i])
		p := parts[label]
		if p == nil {
			p = &part{}
			parts[label] = p
		}
		p.actors += a.Actors
		p.queued += a.Queued
		p.bytes += a.Bytes
		p.oldest = max(p.oldest, a.Oldest.Seconds())
		p.handled += a.Handled
		p.busy += a.Busy
	}
	return parts
}

// branch is the name of an actor directly below the root.
func branch(id string) string { return strings.TrimPrefix(id, root+"/") }
