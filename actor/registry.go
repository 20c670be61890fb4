package actor

import (
	"hash/maphash"
	"sync"
	"time"
)

// cells finds the actors of a system by id. protoactor has such a registry too; this one is smaller, refuses a taken
// name before anything was made, and keeps the name taken until the actor is really gone.
type cells struct {
	seed   maphash.Seed
	shards [64]struct {
		sync.RWMutex
		m    map[string]*cell
		past map[string]work // of those removed, by branch
	}
}

// work is what actors did.
type work struct {
	handled uint64        // messages
	busy    time.Duration // in Receive
}

func (w work) plus(v work) work { return work{w.handled + v.handled, w.busy + v.busy} }

func newCells() *cells {
	c := &cells{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].m, c.shards[i].past = map[string]*cell{}, map[string]work{}
	}
	return c
}

func (c *cells) get(id string) *cell {
	s := &c.shards[maphash.String(c.seed, id)%uint64(len(c.shards))]
	s.RLock()
	x := s.m[id]
	s.RUnlock()
	return x
}

// add reports false if the id is taken.
func (c *cells) add(x *cell) bool {
	s := &c.shards[maphash.String(c.seed, x.pid.Id)%uint64(len(c.shards))]
	s.Lock()
	defer s.Unlock()
	if _, taken := s.m[x.pid.Id]; taken {
		return false
	}
	s.m[x.pid.Id] = x
	return true
}

// remove takes x out, and adds what it did to the past of its branch: each of the fixed services directly below the root
// is one. x does nothing any more.
func (c *cells) remove(x *cell) {
	s := &c.shards[maphash.String(c.seed, x.pid.Id)%uint64(len(c.shards))]
	s.Lock()
	defer s.Unlock()
	if s.m[x.pid.Id] == x {
		delete(s.m, x.pid.Id)
		branch := x.branch().pid.Id
		s.past[branch] = s.past[branch].plus(x.work())
	}
}

// len returns the number of cells.
func (c *cells) len() (n int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.RLock()
		n += len(s.m)
		s.RUnlock()
	}
	return n
}

// each calls f for the cells of the moment, in no order, and returns what those did that were removed before, by branch. A
// cell is in one of the two, never in both. A shard is held only while its cells are noted.
func (c *cells) each(f func(*cell)) (past map[string]work) {
	past = map[string]work{}
	var list []*cell
	for i := range c.shards {
		s := &c.shards[i]
		list = list[:0]
		s.RLock()
		for _, x := range s.m {
			list = append(list, x)
		}
		for branch, w := range s.past {
			past[branch] = past[branch].plus(w)
		}
		s.RUnlock()
		for _, x := range list {
			f(x)
		}
	}
	return past
}
