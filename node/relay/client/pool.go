package client

import "sync"

// taskCost is what a waiting task counts beside its payload, in octets.
const taskCost = 128

// pool runs tasks on a bounded number of goroutines, begun in the order in
// which they were offered. Tasks wait in a queue bounded in octets; what it does
// not hold is refused.
//
// Invariant: waiting is the sum of the costs in queue; if the queue is not
// empty all goroutines are busy.
type pool struct {
	owner   *sync.WaitGroup // of the goroutines
	workers int
	most    int // octets that wait

	mu      sync.Mutex
	queue   []task // guarded by mu
	waiting int    // guarded by mu
	running int    // guarded by mu
	ended   bool   // guarded by mu
}

type task struct {
	cost int
	run  func()
}

// offer takes a task with a payload of size octets, or reports false. The owner
// must not be waited for at the same time.
func (p *pool) offer(size int, run func()) bool {
	cost := size + taskCost
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ended:
		return false
	case p.running < p.workers:
		p.running++
		p.owner.Go(func() { p.work(run) })
		return true
	case p.waiting > 0 && p.waiting+cost > p.most:
		return false
	}
	p.waiting += cost
	p.queue = append(p.queue, task{cost, run})
	return true
}

// work runs the task and then those that wait, until there are none.
func (p *pool) work(run func()) {
	for run != nil {
		run()
		run = p.next()
	}
}

func (p *pool) next() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.queue = nil
		p.running--
		return nil
	}
	t := p.queue[0]
	p.queue[0] = task{}
	p.queue = p.queue[1:]
	p.waiting -= t.cost
	return t.run
}

// discard drops the tasks that wait, and refuses further ones.
func (p *pool) discard() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n = len(p.queue)
	p.ended, p.queue, p.waiting = true, nil, 0
	return n
}
