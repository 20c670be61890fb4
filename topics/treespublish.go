package topics

import (
	"context"
	"errors"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/reliable"
	"iris/topics/tree"
	"iris/transport/wire"
)

// publication is an event of this node on its way to the actor of trees, which
// numbers it and sends it to the neighbours.
type publication struct {
	msg   any // for subscribers here
	body  wire.Body
	twin  bool
	trace string
	also  []wire.Entry // nodes that are on the list yet, and may not be in the trees
	done  chan sent    // gets the result, once; nil: nobody waits for full lanes
	sent  sent
}

// sent is what became of a publication.
type sent struct {
	full     []late // neighbours whose lanes had no room
	progress bool   // somebody took it
	err      error
}

func (p *publication) answer(s sent) {
	if p.done != nil {
		p.done <- s // buffered for its one value
	}
}

// note takes the result for one node. It reports whether the publisher deals
// with it.
func (p *publication) note(f *flow, frame wire.Frame, err error) bool {
	switch {
	case err == nil:
		p.sent.progress = true
	case errors.Is(err, actor.ErrOverloaded) && p.done != nil:
		p.sent.full = append(p.sent.full, late{f, frame})
	case errors.Is(err, wire.ErrTooLarge):
		p.sent.err = err
	default:
		return false
	}
	return true
}

// publish is the actor's part.
func (a *treesActor) publish(p *publication) {
	a.tr.current, a.sending = p, p
	a.step(reliable.Publish{Body: p.body, Twin: p.twin, Trace: p.trace})
	if k, seq, ok := a.data.Published(); ok && len(p.also) > 0 {
		d := &reliable.Data{Stream: k, Seq: seq, Body: p.body, Twin: p.twin, Trace: p.trace}
		for i := range p.also {
			if n := p.also[i].Node; n != a.t.self {
				a.send(reliable.Send{To: n, Msg: d})
			}
		}
	}
	if k, seq, ok := a.data.Published(); ok && !a.member { // subscribers here that are on the list
		a.up(reliable.Up{Data: &reliable.Data{Stream: k, Seq: seq, Body: p.body, Twin: p.twin, Trace: p.trace}})
	}
	a.tr.current, a.sending = nil, nil
	p.answer(p.sent)
}

// publishTrees sends an event into the trees of a group of the topic, and to the
// nodes that v still lists. It waits for full lanes as Publish says; with atOnce
// for ctx it never blocks.
func (g *group) publishTrees(ctx context.Context, kind uint8, v *tree.View, msg any, twin bool, trace string) error {
	typ, data, err := actor.Encode(msg)
	if err != nil {
		return err
	}
	for {
		tr := g.t.plant(wire.Group{Kind: kind, Name: g.key.Name}, id.ID{})
		if tr == nil && g.t.over() {
			return actor.ErrClosed
		}
		if tr == nil {
			return actor.ErrOverloaded
		}
		p := &publication{msg: msg, body: wire.Body{Type: typ, Data: data}, twin: twin, trace: trace}
		if v != nil {
			p.also = v.Entries
		}
		err := tr.publish(ctx, g, p)
		if v != nil && err == nil { // a reliable event counts where it goes to the plain subscribers
			g.published.Add(1)
		}
		if !errors.Is(err, errWithered) {
			return err
		}
	}
}

func (tr *trees) publish(ctx context.Context, g *group, p *publication) error {
	if ctx == atOnce {
		return tr.submit(ctx, p)
	}
	select {
	case tr.turn <- struct{}{}: // who waits for lanes is not overtaken
	case <-ctx.Done():
		return ended(ctx)
	}
	defer func() { <-tr.turn }()
	p.done = make(chan sent, 1)
	if err := tr.submit(ctx, p); err != nil {
		return err
	}
	var s sent
	select {
	case s = <-p.done:
	case <-ctx.Done():
		return ended(ctx)
	}
	if s.err != nil {
		return s.err
	}
	o := outgoing{g: g, typ: p.body.Type, full: s.full, progress: s.progress}
	lost, err := o.press(ctx)
	for _, f := range lost {
		if tr.key.Kind == wire.GroupReliable {
			f.dropped.Add(1) // it will be told what there is, and ask
		} else {
			o.lose(f)
		}
		_ = tr.put(item{what: reliable.Lost{To: f.peer}}) // no room: the next event shows it the same
	}
	if err != nil && tr.key.Kind != wire.GroupReliable {
		err = actor.Counted(err)
	}
	return err
}

// submit puts the publication into the inbox, waiting for room.
func (tr *trees) submit(ctx context.Context, p *publication) error {
	size := len(p.body.Data) + len(p.body.Type) + len(p.trace) + 128
	for {
		room := tr.in.room()
		err := tr.put(item{what: p, size: size})
		if !errors.Is(err, actor.ErrOverloaded) || ctx == atOnce {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ended(ctx)
		}
	}
}
