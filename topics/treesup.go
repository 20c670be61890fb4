package topics

import (
	"errors"
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/topics/reliable"
	"iris/transport/wire"
)

// debtor is a reliable subscriber whose mailbox was full, and the publisher of
// what it misses.
type debtor struct {
	*member
	publisher id.ID
}

// repayEvery is how often a subscriber that misses something is tried again if
// nothing else comes for it.
const repayEvery = 100 * time.Millisecond

// up hands what the trees bring to the subscribers here. A node that takes
// reliable events gets them by the reliable trees only.
func (a *treesActor) up(u reliable.Up) {
	g := a.t.find(wire.GroupTopic, a.tr.key.Name)
	if g == nil || len(*g.local.Load()) == 0 {
		return
	}
	certain := a.tr.key.Kind == wire.GroupReliable
	if takes := g.takes.Load(); certain && !takes || u.Data != nil && u.Twin && takes {
		return
	}
	if u.Data == nil {
		missed := u.Gap.To - u.Gap.From + 1
		a.tr.gaps.Add(1)
		a.tr.missed.Add(missed)
		a.t.sys.Events().Publish(&actor.TopicGap{Topic: g.key.Name, Publisher: u.Gap.Publisher.String(), Missed: missed})
		for _, m := range *g.local.Load() {
			if d := (debtor{m, u.Gap.Publisher}); m.certain {
				a.owe(d, missed, false)
				a.pay(d)
			}
		}
		return
	}
	msg, size, err := a.value(u.Data)
	if err != nil {
		a.t.dropped(err, g.name(), u.Body.Type, uint64(len(*g.local.Load())))
		return
	}
	origin := u.Publisher.String()
	in := actor.Inbound{
		Delivery: actor.Delivery{Kind: actor.Event, Topic: g.key.Name, Origin: origin, Trace: u.Trace},
		Message:  msg, Size: size, From: origin,
	}
	for _, m := range *g.local.Load() {
		a.give(m, in, u.Publisher, certain)
	}
	if a.sending != nil {
		a.sending.sent.progress = true
	}
}

// value returns the message of an event: of one published here the value itself.
func (a *treesActor) value(d *reliable.Data) (msg any, size int, err error) {
	if a.sending != nil && d.Publisher == a.t.self {
		return a.sending.msg, 0, nil
	}
	msg, err = actor.Decode(d.Body.Type, d.Body.Data)
	return msg, len(d.Body.Data), err
}

// give hands an event to one subscriber. One that asked for reliable events and
// has no room for this one is told when it has, before it gets anything later.
func (a *treesActor) give(m *member, in actor.Inbound, publisher id.ID, certain bool) {
	d := debtor{m, publisher}
	certain = certain && m.certain
	if certain && !a.pay(d) {
		a.t.dropped(actor.ErrOverloaded, a.tr.name(), typeName(in.Message), 1)
		a.owe(d, 1, true)
		return
	}
	switch err := a.t.sys.Deliver(m.pid, &in); {
	case err == nil:
		m.g.delivered.Add(1)
	case certain && errors.Is(err, actor.ErrOverloaded):
		a.owe(d, 1, true) // the event is a dead letter by now
	}
}

// debt is what a subscriber has to be told that it misses.
type debt struct {
	missed uint64
	full   int // messages before it when it refused something; 0: it has not
}

// owe adds to what a subscriber has to be told. full says that it refused something.
func (a *treesActor) owe(d debtor, missed uint64, full bool) {
	b := a.tr.behind[d]
	b.missed += missed
	if full && b.full == 0 {
		b.full = max(a.t.sys.MailboxLen(d.pid), 1)
	}
	a.tr.behind[d] = b
	a.repayAt = time.Now().Add(repayEvery)
}

// pay tells a subscriber what it misses; one that was full, once it has worked off a
// quarter of what it had. It reports whether nothing is owed.
func (a *treesActor) pay(d debtor) bool {
	b, owed := a.tr.behind[d]
	if !owed {
		return true
	}
	if b.full > 0 && a.t.sys.MailboxLen(d.pid) > b.full*3/4 {
		return false
	}
	origin := d.publisher.String()
	gap := &actor.TopicGap{At: actor.At{Time: time.Now(), Node: a.t.name}, Topic: a.tr.key.Name, Publisher: origin, Missed: b.missed}
	err := a.t.sys.Deliver(d.pid, &actor.Inbound{
		Delivery: actor.Delivery{Kind: actor.Event, Topic: a.tr.key.Name, Origin: origin}, Message: gap, From: origin,
	})
	if errors.Is(err, actor.ErrOverloaded) {
		b.full = max(a.t.sys.MailboxLen(d.pid), 1)
		a.tr.behind[d] = b
		return false
	}
	delete(a.tr.behind, d)
	return true
}

// repay tells those who had no room before, and forgets those who are gone.
func (a *treesActor) repay() {
	if a.repayAt.IsZero() || time.Now().Before(a.repayAt) {
		return
	}
	a.repayAt = time.Time{}
	for d := range a.tr.behind {
		if !slices.Contains(*d.g.local.Load(), d.member) {
			delete(a.tr.behind, d)
		} else if !a.pay(d) {
			a.repayAt = time.Now().Add(repayEvery)
		}
	}
}
