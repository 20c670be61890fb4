package sim

import (
	"time"

	"iris/router/pastry"
)

// Join lets nodes join one after another and routes lookups through the result.
func (s Scenario) Join() (*Result, error) {
	r, err := s.begin("join")
	if err != nil {
		return nil, err
	}
	r.joinAll()
	r.Run(r.now + time.Minute)
	r.measure()
	for i := 0; i < s.Lookups && r.err == nil; i++ {
		r.Lookup()
		if i%64 == 63 {
			r.Run(r.now + time.Millisecond)
		}
		if i%1024 == 0 {
			r.report("lookups", float64(i)/float64(s.Lookups))
		}
	}
	r.Run(r.now + 10*time.Second)
	return r.end()
}

// Churn crashes and replaces nodes all the time.
func (s Scenario) Churn() (*Result, error) {
	r, err := s.begin("churn")
	if err != nil {
		return nil, err
	}
	r.joinAll()
	r.Run(r.now + settleFor)
	r.Net.Loss = s.Loss
	r.measure()
	r.traffic("churn", r.now+s.Duration, s.Session)
	return r.end()
}

// Kill crashes half of the nodes at one instant, in the middle of the run.
func (s Scenario) Kill() (*Result, error) {
	r, err := s.begin("kill")
	if err != nil {
		return nil, err
	}
	r.joinAll()
	r.Run(r.now + settleFor)
	r.Net.Loss = s.Loss
	r.measure()
	r.traffic("before", r.now+s.Duration/2, 0)
	r.rng.Shuffle(len(r.alive), func(i, j int) { r.alive[i], r.alive[j] = r.alive[j], r.alive[i] })
	for range len(r.alive) / 2 {
		r.Crash(r.alive[len(r.alive)-1])
	}
	r.untilWhole(10 * time.Minute)
	r.traffic("after", max(r.now, r.started+s.Duration), 0)
	return r.end()
}

// Partition cuts the network as cut says for a while and heals it again.
func (s Scenario) Partition(cut func(from, to pastry.Handle) bool) (*Result, error) {
	r, err := s.begin("partition")
	if err != nil {
		return nil, err
	}
	r.joinAll()
	r.Run(r.now + settleFor)
	r.Net.Loss = s.Loss
	t := r.grove()
	r.Net.Cut = cut
	if t != nil {
		r.forest.strain()
	}
	r.traffic("cut", r.now+s.Duration, s.Session)
	r.Net.Cut = nil
	r.measure()
	healed := r.now
	r.untilWhole(10 * time.Minute)
	if t != nil && r.untilTrees(t, 10*time.Minute) >= 0 {
		r.result.Members, r.result.TreesAfter = t.members, (r.now - healed).Seconds()
	}
	r.traffic("healed", r.now+time.Minute, 0)
	return r.end()
}
