package sim

import (
	"fmt"
	"slices"
	"time"
)

// grove lets Members nodes subscribe to a reliable topic of their own, and returns
// it when its trees are whole; nil if there are to be none.
func (r *run) grove() *Topic {
	if r.Members == 0 || r.err != nil {
		return nil
	}
	t := r.NewTopic(fmt.Sprintf("grove of seed %d", r.Seed), true)
	who := slices.Clone(r.ring)
	r.rng.Shuffle(len(who), func(i, j int) { who[i], who[j] = who[j], who[i] })
	for _, h := range who[:min(r.Members, len(who))] {
		t.Subscribe(h, true)
		r.Run(r.now + time.Millisecond)
	}
	r.untilTrees(t, 2*time.Minute)
	return t
}

// untilTrees runs until the trees of a topic are whole and returns how long that
// took, -1 if they are not within a limit.
func (r *run) untilTrees(t *Topic, limit time.Duration) time.Duration {
	begin := r.now
	step := max(250*time.Millisecond, time.Duration(t.members)*50*time.Microsecond) // looking at all takes its time
	var err error
	for r.now-begin < limit && r.err == nil {
		if err = t.Whole(); err == nil {
			return r.now - begin
		}
		r.Run(r.now + step)
	}
	r.fail("the trees are not whole after %v: %w", limit, err)
	return -1
}
