package balance

import (
	"testing"
	"time"
)

// What is shown of a node is what it has to do now, not what it had at the end of a burst.
func TestSeenIsFresh(t *testing.T) {
	a := serverID(1)
	for _, c := range []struct {
		name     string
		do       func(x *Balancer)
		at       time.Duration
		want     uint32
		draining bool
	}{
		{"nothing said yet", func(*Balancer) {}, 0, 0, false},
		{"as probed", func(x *Balancer) { x.Report(t0, a, Load{InFlight: 3, Draining: true}) }, time.Second, 3, true},
		{"probed too long ago", func(x *Balancer) { x.Report(t0, a, Load{InFlight: 3, Draining: true}) }, time.Second + 1, 0, false},
		{"an answer counts its own request", func(x *Balancer) { x.Done(t0, a, 1, 1, Served, &Load{InFlight: 1}) }, 0, 0, false},
		{"and others", func(x *Balancer) { x.Done(t0, a, 1, 1, Served, &Load{InFlight: 4}) }, 0, 3, false},
		{"a remembered answer counts none", func(x *Balancer) { x.Done(t0, a, 1, 1, Served, &Load{}) }, 0, 0, false},
		{"a refusal counts others only", func(x *Balancer) { x.Done(t0, a, 1, 1, Refused, &Load{InFlight: 4}) }, 0, 4, false},
		{"probed after an answer", func(x *Balancer) {
			x.Done(t0, a, 1, 1, Served, &Load{InFlight: 4})
			x.Report(t0, a, Load{InFlight: 1})
		}, 0, 1, false},
		{"refused without a word after an answer", func(x *Balancer) {
			x.Done(t0, a, 1, 1, Served, &Load{InFlight: 4})
			x.Done(t0, a, 1, 1, Refused, nil)
		}, 0, 1000, false},
		{"refused without a word long ago", func(x *Balancer) { x.Done(t0, a, 1, 1, Refused, nil) }, 2 * time.Second, 0, false},
	} {
		x := newTest(Candidate{Node: a, Members: 1})
		c.do(x)
		seen := x.Seen(t0.Add(c.at))
		if len(seen) != 1 || seen[0].Reported != c.want || seen[0].Draining != c.draining {
			t.Errorf("%s: %+v, want %d, %v", c.name, seen, c.want, c.draining)
		}
	}
}
