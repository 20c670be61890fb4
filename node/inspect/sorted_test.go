package inspect

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"iris/internal/best"
)

// What is not asked for is not looked into, and when nobody waits any more nothing is.
func TestAListIsLookedIntoAsFarAsNeeded(t *testing.T) {
	type item struct{ name string }
	columns := columns[*item]{"name": func(i *item) best.Place { return best.Place{Text: i.name} }}
	for name, c := range map[string]struct {
		contains string
		enough   int // items looked into when nobody waits any more; 0: somebody does to the end
		made     int
		total    int
		err      error
	}{
		"all":               {made: 1000, total: 1000},
		"some":              {contains: "77", made: 19, total: 19},
		"none":              {contains: "x"},
		"nobody waits":      {enough: 10, made: 10, err: context.Canceled},
		"nobody waits, two": {contains: "7", enough: 2, made: 2, err: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			made := 0
			each := func(want func(string) bool, f func(*item)) {
				for i := range 1000 {
					if name := fmt.Sprintf("%03d", i); want(name) {
						if made++; made == c.enough {
							cancel()
						}
						f(&item{name})
					}
				}
			}
			r := ranked[item, string]{columns, func(i *item) string { return i.name }, "name", each, func(i item) string { return i.name }}
			p, err := r.page(ctx, Query{What: "clusters", Args: map[string]string{"contains": c.contains, "limit": "3"}})
			if made != c.made || p.Total != c.total || len(p.Items) != min(3, c.total) || !errors.Is(err, c.err) {
				t.Errorf("%d looked into, %d in all, %v, %v", made, p.Total, p.Items, err)
			}
		})
	}
}

// The end of the time that a query has is told as such.
func TestAListThatTakesTooLong(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	r := ranked[int, int]{nil, func(*int) string { return "" }, "id", each(make([]int, 10)), func(int) int { return 0 }}
	if _, err := r.page(ctx, Query{What: "peers"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
