package metrics

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
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
			if !slices.Contains([]string{"cluster", "direction", "go_version", "lane", "network", "part", "queue", "reason", "state", "topic", "version", "what", "zone"}, l) {
				t.Errorf("%s: is the label %s bounded?", f.Name, l)
			}
		}
	}
}
