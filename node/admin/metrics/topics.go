package metrics

import (
	"maps"
	"slices"

	"iris/topics"
)

var (
	publishes = counter("iris_topic_published_total", "Events that this node published.", "topic")
	delivers  = counter("iris_topic_delivered_total", "Events handed to subscribers on this node.", "topic")
	forwards  = counter("iris_topic_forwarded_total", "Events sent on to other nodes, counted per node.", "topic")
	gaps      = counter("iris_topic_gaps_total", "Gaps that reliable subscribers on this node were told of.", "topic")
	missing   = counter("iris_topic_missed_total", "Events in those gaps.", "topic")

	topicFamilies = []*Family{publishes, delivers, forwards, gaps, missing}
)

// row is what is counted of a topic, in the order of topicFamilies.
type row [5]uint64

// topicGrowth is what the metrics of topics remember.
type topicGrowth struct {
	names
	sums map[string]row // by label
	last map[string]row // by topic, at the last look
}

// events tells of topics.
func (c *Collector) events(s scrape) {
	g := &c.topics
	now := make(map[string]row, len(g.last))
	c.cfg.Topics.CountTopics(func(name string, n topics.TopicCounts) {
		x := now[name]
		for i, v := range [...]uint64{n.Published, n.Delivered, n.Forwarded, n.Gaps, n.Missed} {
			x[i] += v
		}
		now[name] = x
	})
	if len(g.chosen) < maxNames {
		g.learn(slices.Collect(maps.Keys(now)))
	}
	if g.sums == nil {
		g.sums = map[string]row{}
	}
	for name, x := range now {
		label, before := g.label(name), g.last[name]
		sum := g.sums[label]
		for i, v := range x {
			if v >= before[i] {
				sum[i] += v - before[i]
			} // else it was forgotten, and is another
		}
		g.sums[label] = sum
	}
	g.last = now
	for label, sum := range g.sums {
		for i, f := range topicFamilies {
			s.put(f, float64(sum[i]), label)
		}
	}
}
