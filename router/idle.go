package router

import (
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

const (
	idleEvery  = 5 * time.Second  // links are looked at
	idleDialed = time.Minute      // without traffic, then the side that dialled closes
	idleOther  = 5 * time.Minute  // and the other one
	idleHold   = 20 * time.Second // without traffic, then who needs the link says so
	reasonIdle = "idle"
)

// usage is what is known of the use of a link. It is gathered by looking at the
// link's counter now and then, so that it costs the messages nothing.
type usage struct {
	link    link
	traffic uint64
	at      time.Time // when traffic was last seen to have moved
}

// over reports whether this end may close the link if nobody needs it.
func (u *usage) over(now time.Time) bool {
	silence := now.Sub(u.at)
	return silence >= idleOther || silence >= idleDialed && u.link.Dialed()
}

// look closes links of the structured form that nobody has used for long and this
// node does not need. The other end may still need it, without this one's knowing:
// who does sends a Probe for the peer itself before it is too late, which any node
// answers, so that both see a link in use.
func (c *courier) look(now time.Time) {
	routes := c.r.Routes()
	if !routes.Structured() || c.r.leaving.Load() {
		clear(c.used)
		return
	}
	links := c.r.ep.Links()
	seen := make(map[id.ID]*usage, len(links))
	var quiet []*usage
	for _, l := range links {
		n := l.Peer()
		u, traffic := c.used[n], l.Stats().Traffic
		if u == nil || u.link != l || u.traffic != traffic {
			u = &usage{l, traffic, now}
		}
		seen[n] = u
		if p, ok := routes.Peer(n); !ok || p.State != Alive {
			continue
		}
		switch {
		case now.Sub(u.at) < idleHold:
		case routes.near(n) || c.r.wishes.want(n) || c.r.mail.find(n) != nil:
			u.hold()
		default:
			quiet = append(quiet, u)
		}
	}
	c.used = seen
	c.part(now, quiet)
}

// part holds the quiet links at whose ends something waits that nobody told us of,
// and closes the others when they are over.
func (c *courier) part(now time.Time, quiet []*usage) {
	if len(quiet) == 0 {
		return
	}
	depends := c.r.sys.Dependent()
	for _, u := range quiet {
		n := u.link.Peer()
		switch _, waits := depends[n.String()]; {
		case waits || c.r.ep.Tunnels(n):
			u.hold()
		case u.over(now):
			u.link.Close(wire.CodeOK, reasonIdle)
		}
	}
}

// hold makes the link one in use, at both ends.
func (u *usage) hold() {
	_ = u.link.TrySend(control, &wire.Probe{Target: u.link.Peer()}) // full: then it is in use
}

// owe takes the end of an idle link. If a reply is awaited from the node, or a
// watch held, by what crossed the end, there has to be a link again.
func (c *courier) owe(now time.Time, m *parted) {
	if !m.idle {
		return
	}
	if _, waits := c.r.sys.Dependent()[m.node.String()]; waits {
		c.owed[m.node] = now.Add(postWait)
	}
}

// lose declares nodes lost to which there should be a link again and is none.
func (c *courier) lose(now time.Time) {
	for n, until := range c.owed {
		if now.After(until) {
			delete(c.owed, n)
			c.r.sys.NodeLost(n.String())
		}
	}
}
