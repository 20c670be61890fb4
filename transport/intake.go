package transport

import (
	"fmt"
	"runtime/debug"

	"iris/actor"
	"iris/transport/wire"
)

// Intake takes the frames of some kinds as one lane brings them, and may gather what is in them:
//
//	read ──► frame, frame, ... ──► Intake.Frame ──┐ gathered
//	     ──► many that are alike ──► Intake.Again ──┤
//	no whole frame at hand ─────► Intake.Flush ──┴──► one step for all of them
//
// All calls come from the goroutine of the lane's reader. They must not block.
type Intake interface {
	// Frame takes a frame. It and its byte slices are valid during the call.
	Frame(f wire.Frame)
	// Again takes the event or broadcast that Frame took last once more: it has got the data of the
	// next one, which is like it in all else.
	Again()
	// Flush hands on what was gathered. It is called, if there was a Frame since, before
	// the reader waits for anything, before a frame of another kind is handled, and
	// when the lane ends: nothing is late, and the order of the lane is kept.
	Flush()
}

// HandleBatch makes frames of these kinds go to an Intake, instead of a Handler. make
// is called once for each lane of a link that brings one. The function keep makes
// n bytes of the frame that is being handled the Intake's own, to use for as long as it
// likes; if it reports false they have to be copied. Only before Start, and once.
func (e *Endpoint) HandleBatch(make func(l *Link, keep func(n int) bool) Intake, kinds ...wire.Kind) {
	e.intake = make
	for _, k := range kinds {
		e.gathers[k] = true
	}
}

// dispatcher hands the frames of one lane to whoever handles them; owned by the
// lane's reader.
type dispatcher struct {
	in      *inbound
	r       *frames
	intake  Intake    // nil before the first frame for it
	waiting bool      // it may have gathered something
	apart   int       // bytes of the frame being handled if it came in chunks: they are its own; else 0
	kind    wire.Kind // of that frame
}

func newDispatcher(in *inbound, r *frames) *dispatcher {
	d := &dispatcher{in: in, r: r}
	r.idle = d.flush
	return d
}

// dispatch calls the handler of the frame's kind, if there is one. f may be nil: a
// frame of a kind that this node does not know.
func (d *dispatcher) dispatch(f wire.Frame) {
	if f == nil {
		d.in.l.skipped.Add(1)
		return
	}
	d.kind = f.Kind()
	e := d.in.l.e
	if e.gathers[d.kind] {
		if d.intake == nil {
			d.intake = e.intake(d.in.l, d.keep)
		}
		d.waiting = true
		d.intake.Frame(f)
		return
	}
	d.flush()
	h := e.handlers[d.kind]
	if h == nil {
		d.in.l.skipped.Add(1)
		return
	}
	h(d.in.l, f)
}

// again is dispatch for a frame of the kind that came before, if an intake takes those,
// else nothing: most frames of a busy lane are alike.
func (d *dispatcher) again(f wire.Frame) bool {
	if f.Kind() != d.kind || !d.waiting {
		return false
	}
	d.intake.Frame(f)
	for d.r.Again() {
		d.intake.Again()
	}
	return true
}

// assembled is dispatch for a frame of size bytes that came in chunks.
func (d *dispatcher) assembled(f wire.Frame, size int) {
	if f != nil && isMessage(f.Kind()) {
		d.r.came++
	}
	d.apart = size
	d.dispatch(f)
	d.apart = 0
}

// flush ends what the intake has gathered.
func (d *dispatcher) flush() {
	if d.waiting {
		d.waiting = false
		d.intake.Flush()
	}
}

// keep is what an Intake gets. What is kept holds the whole frame in memory, so a small
// part of one is not.
func (d *dispatcher) keep(n int) bool {
	if d.apart > 0 {
		return n > d.apart/2
	}
	return d.r.Keep(n)
}

// contain is deferred by a lane's reader. A handler that panics is a defect of this
// node: the link that met it is closed, the node lives on.
func (d *dispatcher) contain(err *error) {
	if r := recover(); r != nil {
		l := d.in.l
		l.e.log.Error("frame handler panicked", "peer", l.peer.Short(), "kind", d.kind, "panic", r, "stack", string(debug.Stack()))
		l.end(LinkDown{Link: l, Code: wire.CodeInternal, Reason: fmt.Sprintf("handler of kind %d panicked", d.kind)})
		*err = actor.ErrUnreachable
	}
}
