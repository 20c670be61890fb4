package sim

import "time"

// timed is something to be done at a time.
type timed struct {
	at  time.Duration
	seq int
	do  func()
}

// agenda is a binary heap of what is to be done.
type agenda []timed

func (a agenda) less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}

// add adds something to be done.
func (a *agenda) add(t timed) {
	h := append(*a, t)
	for i := len(h) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
	*a = h
}

// next takes out what is first.
func (a *agenda) next() timed {
	h := *a
	first, n := h[0], len(h)-1
	h[0], h[n] = h[n], timed{}
	h = h[:n]
	for i := 0; ; {
		k := 2*i + 1
		if k+1 < n && h.less(k+1, k) {
			k++
		}
		if k >= n || !h.less(k, i) {
			break
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
	*a = h
	return first
}
