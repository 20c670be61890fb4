package sim

import (
	"math"
	"time"

	"iris/router/pastry"
)

// Net is the network between the nodes: a plane on which distance is delay.
type Net struct {
	Base      time.Duration // delay between nodes in the same place
	Side      time.Duration // delay along a side of the plane
	Loss      float64       // part of the messages that vanish
	Duplicate float64       // part of them that arrive twice
	Jitter    float64       // up to this part of the delay is added: links reorder
	Cut       func(from, to pastry.Handle) bool
}

// DefaultNet spans a continent.
func DefaultNet() Net { return Net{Base: 100 * time.Microsecond, Side: 100 * time.Millisecond} }

// delay returns the way from one node to another.
func (n *Net) delay(w *World, from, to pastry.Handle) time.Duration {
	a, b := &w.members[from], &w.members[to]
	dx, dy := float64(a.x-b.x), float64(a.y-b.y)
	return n.Base + time.Duration(math.Sqrt(dx*dx+dy*dy)*float64(n.Side))
}

// carry decides how many copies of a message arrive, and when the first does.
func (n *Net) carry(w *World, from, to pastry.Handle) (copies int, delay time.Duration) {
	if n.Cut != nil && n.Cut(from, to) || n.Loss > 0 && w.rng.Float64() < n.Loss {
		return 0, 0
	}
	delay = n.delay(w, from, to)
	if n.Jitter > 0 {
		delay += time.Duration(w.rng.Float64() * n.Jitter * float64(delay))
	}
	if n.Duplicate > 0 && w.rng.Float64() < n.Duplicate {
		return 2, delay
	}
	return 1, delay
}

// Halves cuts the network into two by the parity of handles.
func Halves(from, to pastry.Handle) bool { return (from^to)&1 != 0 }

// OneWay lets nothing through from odd to even handles.
func OneWay(from, to pastry.Handle) bool { return from&1 != 0 && to&1 == 0 }

// Majorities cuts the nodes into k groups on a ring; each reaches itself and its
// two neighbours, so that every group sees a majority, and each another one.
func Majorities(k int) func(from, to pastry.Handle) bool {
	return func(from, to pastry.Handle) bool {
		d := (int(from)%k - int(to)%k + k) % k
		return d > 1 && d < k-1
	}
}
