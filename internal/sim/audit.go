package sim

import (
	"fmt"
	"math"
	"time"

	"iris/router/pastry"
	"iris/topics/reliable"
)

// audit compares what subscribers of a topic get with what was published.
type audit struct {
	streams    map[reliable.Stream]*written
	order      []*written
	duplicates int     // deliveries of what a subscriber had
	disorder   int     // deliveries out of the publisher's order, or over an untold gap
	delays     []int32 // deliveries by their delay in steps of delayStep
	longest    time.Duration
	way        time.Duration // of all deliveries, summed
	direct     time.Duration // of the direct ways, summed
}

// delayStep is how exactly delays are kept.
const delayStep = time.Millisecond

// written is a stream as its publisher made it, and how far each subscriber is.
type written struct {
	reliable.Stream
	by     pastry.Handle
	at     []pastry.Time // of each message
	copies []int32       // of each message that were delivered
	got    []record      // by handle of the subscriber
}

// record is what a subscriber got of a stream.
type record struct {
	first, next     uint32 // first seq seen, next expected
	delivered, gaps uint32
}

// wrote notes a message that p publishes now.
func (a *audit) wrote(s reliable.Stream, seq uint64, p *part) *written {
	x := a.streams[s]
	if x == nil {
		x = &written{Stream: s, by: p.h}
		a.streams[s] = x
		a.order = append(a.order, x)
	}
	for uint64(len(x.at)) < seq {
		x.at, x.copies = append(x.at, p.published), append(x.copies, 0)
	}
	return x
}

func (x *written) record(h pastry.Handle) *record {
	if int(h) >= len(x.got) {
		grown := make([]record, int(h)+int(h)/8+16)
		copy(grown, x.got)
		x.got = grown
	}
	return &x.got[h]
}

// restart forgets what a subscriber got: it begins anew.
func (a *audit) restart(h pastry.Handle) {
	for _, x := range a.order {
		if int(h) < len(x.got) {
			x.got[h] = record{}
		}
	}
}

// up takes what the subscriber of p gets.
func (a *audit) up(t *Topic, p *part, u reliable.Up) {
	k, from, to := u.Gap.Stream, u.Gap.From, u.Gap.To
	if u.Data != nil {
		k, from, to = u.Stream, u.Seq, u.Seq
	}
	x := a.streams[k]
	if u.Data != nil && k.Publisher == t.f.w.book.ID(p.h) {
		x = a.wrote(k, u.Seq, p)
	}
	if x == nil || to > uint64(len(x.at)) || from == 0 || from > to {
		t.hold(p, fmt.Errorf("got %d to %d of %v, which were never published", from, to, k.Publisher.Short()))
		return
	}
	r := x.record(p.h)
	switch {
	case r.next == 0:
		r.first = uint32(from)
	case from < uint64(r.next):
		a.duplicates++
		return
	case from > uint64(r.next) && t.reliable:
		a.disorder++
	}
	r.next = uint32(to) + 1
	if u.Data == nil {
		r.gaps += uint32(to - from + 1)
		return
	}
	r.delivered++
	x.copies[u.Seq-1]++
	if p.h != x.by {
		a.took(t.f.w.now-x.at[u.Seq-1], t.f.w.Net.delay(t.f.w, x.by, p.h))
	}
}

// took notes how long a delivery took.
func (a *audit) took(d, direct time.Duration) {
	i := int(d / delayStep)
	for i >= len(a.delays) {
		a.delays = append(a.delays, 0)
	}
	a.delays[i]++
	a.longest = max(a.longest, d)
	a.way += d
	a.direct += direct
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile returns the delay that a part of the deliveries did not exceed.
func (a *audit) quantile(q float64) time.Duration {
	all := 0
	for _, n := range a.delays {
		all += int(n)
	}
	rank := int(math.Ceil(q * float64(all)))
	for i, n := range a.delays {
		if rank -= int(n); rank <= 0 && all > 0 {
			return min(time.Duration(i+1)*delayStep, a.longest)
		}
	}
	return 0
}

// Tally is what became of what was published to those who owe an account: who
// subscribed before a time and still does.
type Tally struct {
	Messages   int `json:"messages"`  // published by nodes that live
	Published  int `json:"published"` // them, once for each subscriber
	Delivered  int `json:"delivered"`
	Gaps       int `json:"gaps"`       // told to be lost
	Missing    int `json:"missing"`    // neither
	Duplicates int `json:"duplicates"` // deliveries of what a subscriber had
	Disorder   int `json:"out_of_order"`
}

func (y *Tally) add(x Tally) {
	y.Messages += x.Messages
	y.Published += x.Published
	y.Delivered += x.Delivered
	y.Gaps += x.Gaps
	y.Missing += x.Missing
	y.Duplicates += x.Duplicates
	y.Disorder += x.Disorder
}

// Tally counts for those who subscribed before a time. What a crashed publisher
// wrote may be known to nobody alive, so it is not owed. The error names a
// subscriber of a reliable topic that lacks something.
func (t *Topic) Tally(before time.Duration) (y Tally, err error) {
	y.Duplicates, y.Disorder = t.audit.duplicates, t.audit.disorder
	w := t.f.w
	for _, x := range t.audit.order {
		if w.members[x.by].node == nil {
			continue
		}
		y.Messages += len(x.at)
		for _, p := range t.parts {
			if p == nil || !p.member || p.since > before {
				continue
			}
			r := *x.record(p.h)
			y.Published += len(x.at)
			y.Delivered += int(r.delivered)
			y.Gaps += int(r.gaps)
			missing := len(x.at) - int(r.delivered+r.gaps)
			y.Missing += missing
			if missing > 0 && t.reliable && err == nil {
				err = fmt.Errorf("%v got %d to %d of the %d messages of %v, %d of them", w.book.ID(p.h).Short(), r.first, max(r.next, 1)-1, len(x.at), x.Publisher.Short(), r.delivered+r.gaps)
			}
		}
	}
	switch {
	case y.Duplicates > 0:
		err = fmt.Errorf("%d deliveries of what a subscriber had", y.Duplicates)
	case y.Disorder > 0:
		err = fmt.Errorf("%d deliveries out of order", y.Disorder)
	}
	return y, err
}
