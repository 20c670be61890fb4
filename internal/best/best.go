package best

import "slices"

// Of keeps the first n of those it was offered. Not for concurrent use.
type Of[T any] struct {
	n      int
	before func(a, b T) bool
	heap   []T // the last of those kept on top
}

// New keeps at most n, in the order of before.
func New[T any](n int, before func(a, b T) bool) *Of[T] {
	return &Of[T]{n: max(n, 0), before: before}
}

// Offer takes x if it is among the first n so far.
func (o *Of[T]) Offer(x T) {
	switch {
	case len(o.heap) < o.n:
		o.heap = append(o.heap, x)
		o.up(len(o.heap) - 1)
	case o.n > 0 && o.before(x, o.heap[0]):
		o.heap[0] = x
		o.down(0)
	}
}

// Sorted returns those kept, first first. The Of must not be used after it.
func (o *Of[T]) Sorted() []T {
	slices.SortFunc(o.heap, func(a, b T) int {
		switch {
		case o.before(a, b):
			return -1
		case o.before(b, a):
			return 1
		}
		return 0
	})
	return o.heap
}

func (o *Of[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !o.before(o.heap[parent], o.heap[i]) {
			return
		}
		o.heap[parent], o.heap[i] = o.heap[i], o.heap[parent]
		i = parent
	}
}

func (o *Of[T]) down(i int) {
	for {
		last := 2*i + 1
		if last >= len(o.heap) {
			return
		}
		if r := last + 1; r < len(o.heap) && o.before(o.heap[last], o.heap[r]) {
			last = r
		}
		if !o.before(o.heap[i], o.heap[last]) {
			return
		}
		o.heap[i], o.heap[last] = o.heap[last], o.heap[i]
		i = last
	}
}
