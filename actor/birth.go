package actor

import proto "github.com/asynkron/protoactor-go/actor"

// birth is how protoactor is told to run the children of one actor. Its props know nothing of a child: they are many
// times the size of what is told, and serve all children of the parent, one birth after the other on the parent's turn.
//
//	guard.spawn ──► cell ──► child ──► protoactor asks for the mailbox: that of child
//	                                  and for an actor: a guard, which finds its cell when its first message comes
type birth struct {
	child *cell // being born; owned by the parent's runner
	props *proto.Props
}

// of starts c below parent; under is parent's protoactor context, or protoactor's root for what has no parent.
func (b *birth) of(c *cell, name string, under interface {
	SpawnNamed(*proto.Props, string) (*PID, error)
},
) error {
	if b.props == nil {
		sys := c.sys
		b.props = proto.PropsFromProducer(
			func() proto.Actor { return &guard{sys: sys} },
			proto.WithMailbox(func() proto.Mailbox { return &b.child.mb }),
			proto.WithDispatcher(unusedDispatcher{}),
		)
	}
	b.child = c
	_, err := under.SpawnNamed(b.props, name)
	b.child = nil
	return err
}

// unusedDispatcher satisfies protoactor; the mailbox knows its own.
type unusedDispatcher struct{}

func (unusedDispatcher) Schedule(func()) {}
func (unusedDispatcher) Throughput() int { return 1 }

// incarnate gives a new guard its cell: the first one, or the next one after a restart. The user's actor is made when it
// gets Started, on its own turn.
func (g *guard) incarnate(self *PID) {
	c := g.sys.cells.get(self.Id) // in there until it is Stopped
	if c.incarnation++; c.incarnation > 1 {
		c.restarted()
	}
	g.cell, g.incarnation = c, c.incarnation
	c.guard = g
}
