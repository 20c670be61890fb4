package topics

import (
	"testing"
	"time"

	"iris/internal/id"
	"iris/topics/tree"
	"iris/transport/wire"
)

// An empty list is believed at once, unless another root has just taken over
// from one whose list named members.
func TestAnEmptyListOfANewRootIsDoubted(t *testing.T) {
	a, b := id.ID{Lo: 1}, id.ID{Lo: 2}
	full := func(root id.ID) *tree.View {
		return &tree.View{Root: root, Settled: true, Entries: []wire.Entry{{Node: root, Members: 1}}}
	}
	empty := func(root id.ID) *tree.View { return &tree.View{Root: root, Settled: true} }
	for name, c := range map[string]struct {
		views []*tree.View
		want  bool
	}{
		"nobody ever served":              {[]*tree.View{empty(a)}, false},
		"nobody serves after a new root":  {[]*tree.View{empty(a), empty(b)}, false},
		"the last member left":            {[]*tree.View{full(a), empty(a)}, false},
		"new root, empty":                 {[]*tree.View{full(a), empty(b)}, true},
		"new root after the lease":        {[]*tree.View{full(a), nil, empty(b)}, true},
		"new root heard of the members":   {[]*tree.View{full(a), empty(b), full(b)}, false},
		"and then they left":              {[]*tree.View{full(a), empty(b), full(b), empty(b)}, false},
		"doubted once, not by every push": {[]*tree.View{full(a), empty(a), empty(b)}, true},
	} {
		g := &group{}
		for _, v := range c.views {
			g.install(v)
		}
		if got := g.doubted(time.Now()); got != c.want {
			t.Errorf("%s: doubted %v, want %v", name, got, c.want)
		}
		if g.doubted(time.Now().Add(doubtFor)) {
			t.Errorf("%s: doubted for ever", name)
		}
	}
}
