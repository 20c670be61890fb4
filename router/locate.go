package router

import (
	"math/rand/v2"
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/router/pastry"
)

const (
	locateFor    = 5 * time.Second // then a question is given up
	locateAgain  = 1500 * time.Millisecond
	maxQuestions = 4096 // keys asked for
	maxAskers    = 256  // of one key
)

// Located answers Router.Locate.
type Located struct {
	Key  id.ID
	Node id.ID // the root of Key; zero if Err
	Err  error // actor.ErrUnreachable: nobody answered in time; actor.ErrOverloaded: too many questions
}

// Locate finds the root of key, wherever it is: pid receives one *Located. A node
// is the root of its own id, so Locate(n) also tells whether n is there, and where.
// It never blocks; questions for one key are one on the way; it gives up after 5 s.
func (r *Router) Locate(key id.ID, pid *actor.PID) {
	if n := r.Routes().Root(key); !n.IsZero() {
		r.sys.Send(pid, nil, &Located{Key: key, Node: n})
		return
	}
	if r.sys.MailboxLen(r.overlay) >= overlayQueue/2 {
		r.sys.Send(pid, nil, &Located{Key: key, Err: actor.ErrOverloaded})
		return
	}
	r.toOverlay(&locate{key, pid})
}

// question is a key whose root is being looked for.
type question struct {
	ids    []uint64 // of the messages, one for each time it was asked, echoed by answers
	askers []*actor.PID
	next   time.Time // ask again
	until  time.Time
}

// locate takes a question. While the node is not active it waits.
func (o *overlay) locate(ctx actor.Context, now time.Time, m *locate) {
	q := o.asked[m.key]
	switch {
	case q == nil && len(o.asked) >= maxQuestions, q != nil && len(q.askers) >= maxAskers:
		ctx.Send(m.pid, &Located{Key: m.key, Err: actor.ErrOverloaded})
		return
	case q != nil:
		q.askers = append(q.askers, m.pid)
		return
	}
	q = &question{askers: []*actor.PID{m.pid}, until: now.Add(locateFor)}
	o.asked[m.key] = q
	o.ask(ctx, now, m.key, q)
}

// ask sends a question on its way, which may end here at once.
func (o *overlay) ask(ctx actor.Context, now time.Time, key id.ID, q *question) {
	if q.next = now.Add(locateAgain); o.node.Active() {
		n := rand.Uint64() // nobody takes two messages of one origin and number
		q.ids = append(q.ids, n)
		o.step(ctx, now, &pastry.Event{Kind: pastry.Send, Msg: &pastry.Msg{Key: key, ID: n, Body: pastry.Query{}}})
	}
}

// askAgain sends all questions that could not be sent while the node was not active.
func (o *overlay) askAgain(ctx actor.Context, now time.Time) {
	for key, q := range o.asked {
		o.ask(ctx, now, key, q)
	}
}

// askLate repeats questions whose answer is late, and gives up old ones.
func (o *overlay) askLate(ctx actor.Context, now time.Time) {
	for key, q := range o.asked {
		if now.Before(q.until) {
			if !now.Before(q.next) {
				o.ask(ctx, now, key, q)
			}
			continue
		}
		o.answer(ctx, key, q, &Located{Key: key, Err: actor.ErrUnreachable})
	}
}

func (o *overlay) answer(ctx actor.Context, key id.ID, q *question, a *Located) {
	delete(o.asked, key)
	for _, pid := range q.askers {
		ctx.Send(pid, a)
	}
}

// deliver takes a Route that ends here: a question is answered, an answer passed
// to those who asked. An answer for another node has missed it: it is gone.
func (o *overlay) deliver(ctx actor.Context, now time.Time, m *pastry.Msg) {
	q, _ := m.Body.(pastry.Query)
	switch {
	case m.Origin == pastry.None:
	case !q.Answer && m.Origin == o.self:
		o.located(ctx, m.ID, o.self)
	case !q.Answer:
		back := pastry.Msg{Key: o.book.book.ID(m.Origin), ID: m.ID, Body: pastry.Query{Answer: true, Node: o.self}}
		o.step(ctx, now, &pastry.Event{Kind: pastry.Send, Msg: &back})
	case m.Key == o.r.ep.ID():
		o.located(ctx, m.ID, q.Node)
	}
}

// located ends the question with that number.
func (o *overlay) located(ctx actor.Context, question uint64, root pastry.Handle) {
	n := o.book.book.ID(root)
	if n.IsZero() {
		return
	}
	o.r.places.note(n, o.book.places[root].addrs)
	for key, q := range o.asked {
		if slices.Contains(q.ids, question) {
			o.answer(ctx, key, q, &Located{Key: key, Node: n})
			return
		}
	}
}
