package inspect

import (
	"slices"
	"strings"
)

// page cuts the part that q asks for out of a list in the order of its keys, and makes
// reports of that part only.
func page[S, T any](q Query, list []S, key func(S) string, report func(S) T) (Page[T], error) {
	limit, err := q.limit()
	if err != nil {
		return Page[T]{}, err
	}
	from := 0
	if after := q.Args["after"]; after != "" {
		var found bool
		from, found = slices.BinarySearchFunc(list, after, func(s S, after string) int { return strings.Compare(key(s), after) })
		if found {
			from++
		}
	}
	to := min(from+limit, len(list))
	p := Page[T]{Items: make([]T, 0, to-from), Total: len(list)}
	for _, s := range list[from:to] {
		p.Items = append(p.Items, report(s))
	}
	if to < len(list) {
		p.Next = key(list[to-1])
	}
	return p, nil
}
