package topics

import (
	"errors"

	"iris/internal/id"
	"iris/topics/reliable"
	"iris/transport"
	"iris/transport/wire"
)

// mourn tells the data machine of neighbours that did not get something.
func (a *treesActor) mourn() {
	for len(a.lost) > 0 {
		n := a.lost[0]
		a.lost = a.lost[1:]
		a.step(reliable.Lost{To: n})
	}
	a.lost = nil
}

// post sends a frame. What does not fit the lane is lost; the machines ask again.
func (a *treesActor) post(to id.ID, f wire.Frame) {
	_ = a.t.router.Post(to, transport.Fanout, f)
}

// send sends what the data machine wants sent.
func (a *treesActor) send(s reliable.Send) {
	d, ok := s.Msg.(*reliable.Data)
	if !ok {
		if a.t.router.Post(s.To, transport.Fanout, reliable.Frame(a.tr.key, s.Msg)) != nil {
			a.lost = append(a.lost, s.To)
		}
		return
	}
	if a.posted.data != d {
		a.posted.data, a.posted.frame = d, reliable.Frame(a.tr.key, d)
	}
	err := a.t.router.Post(s.To, transport.Fanout, a.posted.frame)
	a.tr.forwarded.Add(1)
	if a.sending != nil && d.Publisher == a.t.self && a.sending.note(a.t.flow(s.To), a.posted.frame, err) {
		return
	}
	if err != nil {
		a.missed(s.To, d, err)
	}
}

// missed counts an event that a neighbour does not get; of a reliable topic it
// will be told what there is, and ask.
func (a *treesActor) missed(n id.ID, d *reliable.Data, err error) {
	if a.tr.key.Kind == wire.GroupReliable && !errors.Is(err, wire.ErrTooLarge) {
		a.lost = append(a.lost, n)
		return
	}
	a.t.dropped(err, a.tr.name()+" at "+n.String(), d.Body.Type, 1)
}

// relink notices links that were replaced: what was on its way on the old one
// may be lost, and nobody else says so.
func (a *treesActor) relink() {
	for i := range a.stripes {
		t := &a.stripes[i].tree
		for _, n := range append([]id.ID{t.Parent}, t.Children...) {
			l := a.t.net.Link(n)
			if l == nil || n.IsZero() {
				continue
			}
			if old, ok := a.links[n]; ok && old != l {
				a.lost = append(a.lost, n)
			}
			a.links[n] = l
		}
	}
	a.mourn()
}
