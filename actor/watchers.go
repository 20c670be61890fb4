package actor

// watchers are the actors of this node that watch one of this node. Most have none or one: protoactor's own set takes
// half a kilobyte for each. Owned by the runner of the watched actor. The zero value is empty.
type watchers struct {
	one  *cell // nil: none in it
	more map[*cell]struct{}
}

// watchFrom and unwatchFrom come by the system lane of the watched actor.
type (
	watchFrom   struct{ by *cell }
	unwatchFrom struct{ by *cell }
)

func (w *watchers) add(c *cell) {
	switch {
	case w.one == nil:
		w.one = c
	case w.more == nil:
		w.more = map[*cell]struct{}{c: {}}
	default:
		w.more[c] = struct{}{}
	}
}

func (w *watchers) remove(c *cell) {
	if w.one == c {
		w.one = nil
	}
	delete(w.more, c)
}

// watchedBy adds a watcher, or tells it that the actor has ended already.
func (c *cell) watchedBy(by *cell) {
	if c.stopped {
		watcher{cell: by}.ended(c.pid, int(TerminatedStopped))
		return
	}
	c.watchers.add(by)
}

// tellWatchers reports the end of c to all of them.
func (c *cell) tellWatchers() {
	if c.watchers.one != nil {
		watcher{cell: c.watchers.one}.ended(c.pid, int(TerminatedStopped))
	}
	for by := range c.watchers.more {
		watcher{cell: by}.ended(c.pid, int(TerminatedStopped))
	}
	c.watchers = watchers{}
}
