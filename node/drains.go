package node

import "iris/actor"

// drains has one drain under way at a time: who orders another one meanwhile gets the
// result of that. All methods are called by one goroutine.
type drains struct {
	begin func(over chan<- error) // begins one; it ends with one value
	over  chan error
	wait  []*actor.Order // for the one under way
}

func newDrains(begin func(over chan<- error)) *drains {
	return &drains{begin: begin, over: make(chan error, 1)}
}

// take begins a drain unless one is under way. It does not block.
func (d *drains) take(o *actor.Order) {
	if len(d.wait) == maxOrders {
		o.Done(actor.ErrOverloaded)
		return
	}
	if d.wait = append(d.wait, o); len(d.wait) == 1 {
		d.begin(d.over)
	}
}

// done answers who waits, with what came from over.
func (d *drains) done(err error) {
	for _, o := range d.wait {
		o.Done(err)
	}
	d.wait = nil
}

// end waits for the drain under way, if there is one.
func (d *drains) end() {
	if len(d.wait) > 0 {
		d.done(<-d.over)
	}
}
