package router

import (
	"iris/actor"
	"iris/internal/id"
)

// Located answers Router.Locate.
type Located struct {
	Key  id.ID
	Node id.ID // the root of Key; zero if Err
	Err  error // actor.ErrUnreachable: nobody answered in time; actor.ErrOverloaded: too many questions
}

// Locate finds the root of key, wherever it is: pid receives one *Located. A node
// is the root of its own id, so Locate(n) also tells whether n is there. It never
// blocks; questions for one key are one on the way; it gives up after 5 s.
func (r *Router) Locate(key id.ID, pid *actor.PID) {
	if n := r.Routes().Root(key); !n.IsZero() {
		r.sys.Send(pid, nil, &Located{Key: key, Node: n})
		return
	}
	r.sys.Send(pid, nil, &Located{Key: key, Err: actor.ErrUnreachable})
}
