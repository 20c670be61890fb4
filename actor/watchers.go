package actor

// watchFrom and unwatchFrom come by the system lane of an actor that another one of this node watches. protoactor could
// keep the watchers too, but takes half a kilobyte for each.
type (
	watchFrom   struct{ by *cell }
	unwatchFrom struct{ by *cell }
)

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
	for by := range c.watchers.all() {
		watcher{cell: by}.ended(c.pid, int(TerminatedStopped))
	}
	c.watchers = few[*cell]{}
}
