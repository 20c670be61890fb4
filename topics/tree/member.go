package tree

import (
	"time"

	"iris/internal/id"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// member is the role of a node with local members: it tells the root and keeps
// telling it.
type member struct {
	want    wire.Entry // Members 0: not a member
	leaving bool       // a leave is not acknowledged yet
	left    time.Time  // until then a new root may learn of us from an old copy
	acked   uint64     // largest seq acknowledged
	change  uint64     // seq of the first frame that carried the latest change; 0: none sent

	sent    uint64 // seq in flight, 0 none
	sentTo  id.ID
	retryAt time.Time // of the frame in flight
	backoff time.Duration
	refresh time.Time // when to tell again

	waiters []memberWaiter

	local  Join        // as the node wants it; want is what the list is to say
	told   scribe.Mode // by the root, with its latest ack
	trees  bool        // this node is in the trees, or to be
	away   bool        // and not on the list, which it needs no more
	linger time.Time   // when to leave the trees; zero: not decided
}

type memberWaiter struct{ waiter, change uint64 }

func (r *member) active() bool { return r.want.Members > 0 || r.leaving }

func (r *member) idle() bool {
	return !r.active() && len(r.waiters) == 0 && r.left.IsZero() && r.local.Members == 0
}

func (m *Machine) onJoin(e Join) {
	r := &m.member
	r.local = Join{Members: e.Members, Weight: e.Weight, Zone: e.Zone, Reliable: e.Reliable}
	if e.Members == 0 {
		r.trees, r.linger = false, time.Time{}
	}
	if r.away { // the trees do not ask how many there are here
		r.away = e.Members > 0
		m.answer(e.Waiter, CodeOK)
		return
	}
	m.register(e)
}

// register sets what the list is to say.
func (m *Machine) register(e Join) {
	r := &m.member
	same := r.want.Members == e.Members && r.want.Weight == e.Weight && r.want.Zone == e.Zone && r.want.Reliable == e.Reliable
	if same && r.change != 0 && r.acked >= r.change {
		m.answer(e.Waiter, CodeOK)
		return
	}
	if !same || r.change == 0 { // a new machine does not know whether an earlier one joined
		r.want = wire.Entry{Node: m.cfg.Self, Epoch: m.nextEpoch(), Members: e.Members, Weight: e.Weight, Zone: e.Zone, Reliable: e.Reliable}
		r.leaving = e.Members == 0
		r.left = time.Time{}
		r.backoff = 0
		r.change = m.tellRoot()
	}
	if e.Waiter != 0 {
		r.waiters = append(r.waiters, memberWaiter{e.Waiter, r.change})
	}
}

// tellRoot sends the membership as it is and returns the frame's number.
func (m *Machine) tellRoot() uint64 {
	r := &m.member
	r.sent, r.sentTo = m.nextSeq(), m.ring.Root
	r.backoff = min(max(r.backoff*2, joinRetry), max(retryMax, joinRetry))
	r.retryAt = m.now.Add(r.backoff)
	if r.want.Members == 0 {
		m.send(r.sentTo, &wire.GroupLeave{Seq: r.sent, Group: m.cfg.Group, Node: m.cfg.Self, Epoch: r.want.Epoch})
	} else {
		m.send(r.sentTo, &wire.GroupJoin{Seq: r.sent, Group: m.cfg.Group, Entry: r.want})
	}
	return r.sent
}

// memberRoot registers with a new root at once, or tells it that we left.
func (m *Machine) memberRoot() {
	r := &m.member
	if !r.active() && m.now.Before(r.left) {
		r.leaving = true
	}
	if r.active() {
		m.member.backoff = 0
		m.tellRoot()
	}
}

func (m *Machine) memberAck(from id.ID, f *wire.GroupAck) {
	r := &m.member
	if r.sent == 0 || f.Seq != r.sent || from != r.sentTo {
		// An ack of an earlier frame to this same root still says that the root
		// has handled what that frame carried.
		if f.Code == CodeOK && from == r.sentTo && f.Seq < r.sent && f.Seq > r.acked && f.Seq >= r.change {
			m.memberDone(f.Seq)
		}
		return
	}
	switch f.Code {
	case CodeOK:
		m.tell(f.Mode)
		m.memberDone(f.Seq)
		r.sent, r.backoff = 0, 0
		r.refresh = m.now.Add(m.cfg.Lease / 3)
	case CodeNotRoot:
		m.astray(from)
		r.retryAt = m.now.Add(m.again(&r.backoff))
	default: // full or refused: the waiters hear, and it is tried again as long as we are a member
		for _, w := range r.waiters {
			m.answer(w.waiter, f.Code)
		}
		r.waiters = nil
		r.retryAt = m.now.Add(fullRetry)
	}
}

// again returns the pause before asking a root that says it is none.
func (m *Machine) again(backoff *time.Duration) time.Duration {
	if *backoff >= lookupRetry {
		*backoff = 0 // that was the pause for a lost frame
	}
	*backoff = min(max(*backoff*2, disagreeRetry), lookupRetry-1)
	return *backoff
}

func (m *Machine) memberDone(seq uint64) {
	r := &m.member
	r.acked = max(r.acked, seq)
	kept := r.waiters[:0]
	for _, w := range r.waiters {
		if w.change <= r.acked {
			m.answer(w.waiter, CodeOK)
		} else {
			kept = append(kept, w)
		}
	}
	r.waiters = kept
	if r.leaving && r.acked >= r.change {
		r.leaving = false
		r.left = m.now.Add(2 * m.cfg.Lease)
	}
}

func (m *Machine) pollMember() {
	r := &m.member
	if !r.active() {
		r.sent = 0
		if !m.now.Before(r.left) {
			r.left = time.Time{}
		}
		return
	}
	switch {
	case r.sent != 0 && !m.now.Before(r.retryAt):
		m.tellRoot()
	case r.sent == 0 && !m.now.Before(r.refresh):
		m.tellRoot()
	}
}

func (m *Machine) wakeMember(at func(time.Time)) {
	r := &m.member
	switch {
	case !r.active():
		at(r.left)
	case r.sent != 0:
		at(r.retryAt)
	default:
		at(r.refresh)
	}
}
