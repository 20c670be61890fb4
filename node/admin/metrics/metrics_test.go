package metrics

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"iris/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGrowth(t *testing.T) {
	var g growth[string]
	for i, step := range []struct {
		now  map[string]uint64
		want uint64
	}{
		{map[string]uint64{"a": 5, "b": 1}, 6},
		{map[string]uint64{"a": 7}, 8},
		{map[string]uint64{"a": 7, "b": 2}, 10}, // another b
		{map[string]uint64{"a": 3, "b": 2}, 10}, // part of a has ended
		{map[string]uint64{"a": 4, "b": 2}, 11},
		{nil, 11},
	} {
		if got := g.look(step.now); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
}

func TestNamesAreChosenForGood(t *testing.T) {
	var n names
	n.learn([]string{"m", "k", others})
	var many []string
	for i := range 5000 {
		many = append(many, fmt.Sprintf("a%04d", i))
	}
	n.learn(many)
	if n.label("m") != "m" || n.label("a0097") != "a0097" || n.label("a0098") != others || n.label(others) != others || len(n.chosen) != maxNames {
		t.Errorf("%d labels, %s %s %s", len(n.chosen), n.label("m"), n.label("a0097"), n.label("a0098"))
	}
	n.learn([]string{"a"})
	if n.label("a") != others {
		t.Error("a further name is a label")
	}
}

func TestQuantiles(t *testing.T) {
	if q := quantiles(nil); len(q) != 0 {
		t.Errorf("of nothing: %v", q)
	}
	if q := quantiles([]float64{3, 1, 2, 5, 4}); q[0.5] != 3 || q[0.9] != 4 || q[1] != 5 {
		t.Errorf("%v", q)
	}
}

// many are 5 000 clusters and topics that count, of which those below from are gone.
type many struct{ from, n int }

func (m many) CountClusters(f func(string, topics.ClusterCounts)) {
	for i := m.from; i < m.n; i++ {
		c := topics.ClusterCounts{Local: 1, Failed: 2, Asked: 3}
		c.Served.Counts[2], c.Served.Sum = 4, time.Second
		f(fmt.Sprintf("cluster %d", i), c)
	}
}

func (m many) CountTopics(f func(string, topics.TopicCounts)) {
	for i := m.from; i < m.n; i++ {
		f(fmt.Sprintf("topic %d", i), topics.TopicCounts{Published: 5})
		f(fmt.Sprintf("topic %d", i), topics.TopicCounts{Gaps: 6})
	}
}

// only collects a part.
type only struct{ *Collector }

func (only) Describe(chan<- *prometheus.Desc) {}

func (o only) Collect(out chan<- prometheus.Metric) {
	o.requests(scrape{out})
	o.events(scrape{out})
}

// However many clusters and topics there are, and come and go, the series are few, and
// what was counted is never less than before.
func TestLabelsAreBounded(t *testing.T) {
	c := newCollector(Config{Topics: many{0, 5000}})
	r := prometheus.NewRegistry()
	r.MustRegister(only{c})
	for _, step := range []struct {
		many
		failed, gaps float64 // sums over all labels
	}{{many{0, 5000}, 10_000, 30_000}, {many{0, 5000}, 10_000, 30_000}, {many{4000, 10_000}, 20_000, 60_000}, {many{}, 20_000, 60_000}} {
		c.cfg.Topics = step.many
		families, err := r.Gather()
		if err != nil || len(families) != len(clusterFamilies)+len(topicFamilies) {
			t.Fatalf("%d families, %v", len(families), err)
		}
		for _, f := range families {
			if n := len(f.GetMetric()); n != maxNames+1 {
				t.Errorf("%s has %d series", f.GetName(), n)
			}
			var sum float64
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
			if f.GetName() == failed.Name && sum != step.failed || f.GetName() == gaps.Name && sum != step.gaps {
				t.Errorf("%+v: %s is %v", step, f.GetName(), sum)
			}
		}
	}
}

// Names say what is counted and in what unit; nothing comes twice.
func TestFamilies(t *testing.T) {
	var seen []string
	for _, f := range Families() {
		if slices.Contains(seen, f.Name) {
			t.Errorf("%s comes twice", f.Name)
		}
		seen = append(seen, f.Name)
		if !strings.HasPrefix(f.Name, "iris_") || (f.Type == "counter") != strings.HasSuffix(f.Name, "_total") || !strings.HasSuffix(f.Help, ".") {
			t.Errorf("%+v", f)
		}
		for _, l := range f.Labels {
			if !slices.Contains([]string{"cluster", "direction", "go_version", "lane", "network", "part", "provider", "queue", "reason", "state", "topic", "version", "what", "zone"}, l) {
				t.Errorf("%s: is the label %s bounded?", f.Name, l)
			}
		}
	}
}
