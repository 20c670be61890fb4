package scribe

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"iris/internal/id"
)

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		size        uint32
		width, want int
	}{
		{0, 16, 0},
		{1, 16, 0},
		{15, 16, 0},
		{16, 16, 1},
		{271, 16, 1},
		{272, 16, 2},
		{4367, 16, 2},
		{4368, 16, 3},
		{math.MaxUint32, 16, 7},
		{math.MaxUint32, 1, maxPath},
	} {
		if got := levels(c.size, c.width); got != c.want {
			t.Errorf("%d members, %d children: %d levels, want %d", c.size, c.width, got, c.want)
		}
	}
}

// joiner is a machine that looks for a place, and knows some round trips.
type joiner struct {
	t   *testing.T
	m   *Machine
	now time.Time
}

func newJoiner(t *testing.T, rtt map[id.ID]time.Duration, next id.ID) (*joiner, *Join) {
	j := &joiner{t: t, now: time.Unix(1000, 0)}
	j.m = New(Config{
		Self: id.ID{Lo: 100}, Key: id.ID{Hi: 1}, Rand: rand.New(rand.NewPCG(1, 2)),
		RTT: func(n id.ID) time.Duration { return rtt[n] },
	})
	j.step(Route{Next: next})
	to, f := j.step(Subscribe{Want: true})
	if to != next {
		t.Fatalf("asks %v first", to)
	}
	return j, f
}

// step returns who is asked to become the parent, the zero id if nobody.
func (j *joiner) step(e Event) (to id.ID, f *Join) {
	var out Out
	j.m.Step(j.now, e, &out)
	if err := j.m.Valid(); err != nil {
		j.t.Fatal(err)
	}
	for _, s := range out.Sends {
		if x, ok := s.Msg.(*Join); ok {
			to, f = s.To, x
		}
	}
	return to, f
}

func TestRedirectedToThePlaceThatIsLeastDeep(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	n := func(i uint64) id.ID { return id.ID{Lo: i} }
	root, above, full := n(1), n(2), n(3)
	// The full node's children, and those of its parent.
	below := []Other{{n(10), ms(5), 3}, {n(11), ms(1), 200}, {n(12), ms(20), 1}}
	beside := []Other{{full, ms(10), 400}, {n(20), ms(30), 300}, {n(21), ms(25), 2}, {n(22), ms(5), 15}, {n(23), 0, 1}}
	rtt := map[id.ID]time.Duration{full: ms(8), above: ms(12), n(21): ms(1)}

	j, f := newJoiner(t, rtt, full)
	ask := func(from id.ID, a *Ack) id.ID {
		a.Seq = f.Seq
		to, g := j.step(Recv{from, a})
		f = g
		return to
	}
	for i, c := range []struct {
		from id.ID
		ack  *Ack
		want id.ID
	}{
		{full, &Ack{Code: Redirect, Path: []id.ID{full, above, root}, Others: below}, above},
		{above, &Ack{Code: Redirect, Path: []id.ID{above, root}, Others: beside}, n(22)}, // 5+hypot(12, 5) is less than 25+1
		{n(22), &Ack{Code: Unrooted}, n(21)},
		{n(21), &Ack{Code: Redirect, Path: []id.ID{n(21), above, root}}, n(23)}, // its way is unknown; the parent was asked
		{n(23), &Ack{Code: Unrooted}, n(10)},                                    // a level deeper: 5+hypot(8, 5) is less than 20+hypot(8, 20)
		{n(10), &Ack{Code: Unrooted}, n(12)},
		{n(12), &Ack{Code: Unrooted}, n(11)}, // as deep as n(20), and nearer
	} {
		if got := ask(c.from, c.ack); got != c.want {
			t.Fatalf("step %d: asks %v, want %v", i, got, c.want)
		}
	}
}

// A full node that says nothing of its path, or that is the root, has no parent to ask.
func TestRedirectedByTheRoot(t *testing.T) {
	full, child := id.ID{Lo: 1}, id.ID{Lo: 2}
	for _, path := range [][]id.ID{nil, {full}} {
		j, f := newJoiner(t, nil, full)
		if to, _ := j.step(Recv{full, &Ack{Seq: f.Seq, Code: Redirect, Path: path, Others: []Other{{Node: child}}}}); to != child {
			t.Errorf("path %v: asks %v", path, to)
		}
	}
}

// Without a measured round trip the time of the answer is the way to a full node.
func TestAnswerTimeIsDistance(t *testing.T) {
	full, near, far := id.ID{Lo: 1}, id.ID{Lo: 2}, id.ID{Lo: 3}
	j, f := newJoiner(t, nil, full)
	j.now = j.now.Add(30 * time.Millisecond)
	j.step(Recv{full, &Ack{Seq: f.Seq, Code: Redirect, Path: []id.ID{full}, Others: []Other{
		{far, 80 * time.Millisecond, 1}, {near, 40 * time.Millisecond, 1},
	}}})
	if j.m.attempt.to != near {
		t.Errorf("asks %v", j.m.attempt.to)
	}
	if q := j.m.attempt.queue; len(q) != 1 || q[0].cost.Round(time.Millisecond) != 165*time.Millisecond { // 80+hypot(30, 80)
		t.Errorf("then %+v", q)
	}
}
