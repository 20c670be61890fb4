package sim

import "iris/router/pastry"

// event is something that happens to a node at a time: a message arrives, or its
// wake-up is due.
type event struct {
	at   pastry.Time
	seq  uint64 // ties are broken by the order of creation
	node pastry.Handle
	from pastry.Handle
	msg  int32 // index into the slab; -1: a wake-up
}

func (e *event) before(f *event) bool { return e.at < f.at || e.at == f.at && e.seq < f.seq }

// heap is a 4-ary heap of events: half as deep as a binary one, and the four
// children share two cache lines.
type heap []event

func (h *heap) push(e event) {
	a := append(*h, e)
	i := len(a) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&a[up]) {
			break
		}
		a[i] = a[up]
		i = up
	}
	a[i] = e
	*h = a
}

// earlier reports whether the first event of h comes before that of o.
func (h *heap) earlier(o *heap) bool {
	return len(*h) > 0 && (len(*o) == 0 || (*h)[0].before(&(*o)[0]))
}

func (h *heap) pop() event {
	a := *h
	top, last := a[0], a[len(a)-1]
	a = a[:len(a)-1]
	*h = a
	if len(a) == 0 {
		return top
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= len(a) {
			break
		}
		best := c
		for k := c + 1; k < min(c+4, len(a)); k++ {
			if a[k].before(&a[best]) {
				best = k
			}
		}
		if !a[best].before(&last) {
			break
		}
		a[i] = a[best]
		i = best
	}
	a[i] = last
	return top
}
