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

// topicGrowth is what the metrics of topics remember.
type topicGrowth struct {
	names
	sums map[string]*[5]growth[string] // by label, in the order of topicFamilies
}

// events tells of topics.
func (c *Collector) events(s scrape) {
	g := &c.topics
	all := map[string]topics.TopicCounts{}
	c.cfg.Topics.CountTopics(func(name string, n topics.TopicCounts) {
		x := all[name]
		x.Published += n.Published
		x.Delivered += n.Delivered
		x.Forwarded += n.Forwarded
		x.Gaps += n.Gaps
		x.Missed += n.Missed
		all[name] = x
	})
	g.learn(slices.Collect(maps.Keys(all)))
	now := map[string]*[5]map[string]uint64{} // by label, family and name
	for label := range g.sums {
		now[label] = &[5]map[string]uint64{}
	}
	for name, n := range all {
		label := g.label(name)
		if now[label] == nil {
			now[label] = &[5]map[string]uint64{}
		}
		for i, v := range [5]uint64{n.Published, n.Delivered, n.Forwarded, n.Gaps, n.Missed} {
			if now[label][i] == nil {
				now[label][i] = map[string]uint64{}
			}
			now[label][i][name] = v
		}
	}
	if g.sums == nil {
		g.sums = map[string]*[5]growth[string]{}
	}
	for label, counts := range now {
		if g.sums[label] == nil {
			g.sums[label] = &[5]growth[string]{}
		}
		for i, f := range topicFamilies {
			s.put(f, float64(g.sums[label][i].look(counts[i])), label)
		}
	}
}
