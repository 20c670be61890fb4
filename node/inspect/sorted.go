package inspect

import (
	"context"
	"slices"
	"strings"

	"iris/internal/best"
)

// sort returns the column that is asked for, and whether the greatest come first.
func (q Query) sort() (column string, down bool, err error) {
	column, down = strings.CutPrefix(q.Args["sort"], "-")
	if known := Columns(q.What); !slices.Contains(known, column) {
		return "", false, badQuery("sort %q, want one of %s, the greatest first with - in front", cut(column, maxWhat), strings.Join(known, ", "))
	}
	return column, down, nil
}

// picked reports whether the answer is another list than all in the order of its keys.
func (q Query) picked() bool { return q.Args["sort"] != "" || q.Args["contains"] != "" }

// ranked makes a page of a list in the order that q asks for: it looks at all that is asked for, until ctx ends, and keeps
// and reports what is on the page.
type ranked[S, T any] struct {
	columns columns[*S]
	key     func(*S) string                              // no two have the same
	name    string                                       // of the column that is the key; what contains looks in
	each    func(want func(key string) bool, f func(*S)) // what want does not take need not be made for f
	report  func(S) T
}

func (r ranked[S, T]) page(ctx context.Context, q Query) (p Page[T], err error) {
	limit, err := q.limit()
	if err != nil {
		return p, err
	}
	column, order := r.name, best.Order{}
	if q.Args["sort"] != "" {
		if column, order.Down, err = q.sort(); err != nil {
			return p, err
		}
	}
	if after := q.Args["after"]; after != "" {
		from, err := best.ParsePlace(after)
		if err != nil {
			return p, badQuery("after: %v", err)
		}
		order.After = &from
	}
	type standing struct {
		s  S
		at best.Place
	}
	first := best.New(limit+1, func(a, b standing) bool { return order.Before(a.at, b.at) })
	text := q.Args["contains"]
	want := func(key string) bool { return strings.Contains(key, text) && ctx.Err() == nil }
	r.each(want, func(s *S) {
		key := r.key(s)
		if !want(key) {
			return
		}
		p.Total++
		at := r.columns[column](s).Cut()
		if at.Key = key; order.Wants(at) {
			first.Offer(standing{*s, at})
		}
	})
	if ctx.Err() != nil { // it is not all, and nobody waits for it
		return Page[T]{}, context.Cause(ctx)
	}
	chosen := first.Sorted()
	if len(chosen) > limit {
		chosen = chosen[:limit]
		p.Next = chosen[limit-1].at.String()
	}
	p.Items = make([]T, 0, len(chosen))
	for _, x := range chosen {
		p.Items = append(p.Items, r.report(x.s))
	}
	return p, nil
}

// each calls f with every one of a list, which are there already.
func each[S any](list []S) func(want func(key string) bool, f func(*S)) {
	return func(_ func(key string) bool, f func(*S)) {
		for i := range list {
			f(&list[i])
		}
	}
}
