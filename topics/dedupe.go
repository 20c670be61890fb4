package topics

import (
	"sync"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

// Bounds of the memory for idempotent requests, beside that in bytes; the oldest go first.
const (
	maxRemembered = 1 << 16
	rememberFor   = 2 * time.Minute
)

type dedupeKey struct {
	cluster string
	key     [wire.MaxKey]byte
}

// dedupe remembers the replies to idempotent requests, and the requests being
// executed, so that a repetition is answered and not executed again.
type dedupe struct {
	max int // bytes

	mu    sync.Mutex // guards the following fields
	known map[dedupeKey]*remembered
	order []*remembered // oldest first
	bytes int
}

type remembered struct {
	key     dedupeKey
	at      time.Time
	waiting []asker // who wants the reply when it comes
	done    bool
	err     error
	msg     any       // for askers on this node
	body    wire.Body // of msg, for others
	size    int
}

// asker is who awaits a reply.
type asker struct {
	node string
	req  uint32
}

func newDedupe(bytes int) *dedupe { return &dedupe{max: bytes, known: map[dedupeKey]*remembered{}} }

// accept hands a request to a local member; with a key only if it was not
// accepted before. On error it was not executed and nobody was answered.
func (t *Topics) accept(g *group, in *actor.Inbound, key []byte) error {
	if len(key) != wire.MaxKey || in.ReplyTo == 0 {
		return g.deliver(in)
	}
	k := dedupeKey{cluster: g.key.Name, key: [wire.MaxKey]byte(key)}
	who := asker{in.From, in.ReplyTo}
	e, first := t.dedupe.enter(k, who)
	if !first {
		if e != nil {
			t.answer(g, e, who)
		}
		return nil
	}
	deadline := in.Deadline
	if deadline.IsZero() {
		deadline = time.Now().Add(rememberFor)
	}
	// The handler answers a pending reply of our own: what it says is seen here,
	// remembered, and sent to everybody who asked.
	mine, err := t.sys.Replies().Open(t.name, deadline, func(r actor.Reply) { t.remember(g, k, r) })
	if err == nil {
		in.From, in.ReplyTo = t.name, mine
		if err = g.deliver(in); err != nil && !t.sys.Replies().Cancel(mine) {
			err = nil // it has been answered meanwhile, with a timeout
		}
	}
	if err != nil {
		for _, w := range t.dedupe.abandon(k) {
			if w != who {
				t.reply(g, w, nil, wire.Body{}, err)
			}
		}
	}
	return err
}

// enter notes that who wants the reply of k: first is true if it must be
// executed now; otherwise e is the reply, or nil if it is being executed.
func (d *dedupe) enter(k dedupeKey, who asker) (e *remembered, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.expire(now)
	if e := d.known[k]; e != nil {
		if e.done {
			return e, false
		}
		if len(e.waiting) < 64 {
			e.waiting = append(e.waiting, who)
		}
		return nil, false
	}
	e = &remembered{key: k, at: now, waiting: []asker{who}}
	d.known[k] = e
	d.order = append(d.order, e)
	return nil, true
}

// expire drops the oldest; d.mu is held.
func (d *dedupe) expire(now time.Time) {
	n := 0
	for n < len(d.order) {
		e := d.order[n]
		if len(d.order)-n <= maxRemembered && d.bytes <= d.max && now.Sub(e.at) < rememberFor {
			break
		}
		d.bytes -= e.size
		if d.known[e.key] == e {
			delete(d.known, e.key)
		}
		d.order[n] = nil
		n++
	}
	d.order = d.order[n:]
}

// abandon forgets a request that was not executed; it returns who waits.
func (d *dedupe) abandon(k dedupeKey) []asker {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.known[k]
	if e == nil {
		return nil
	}
	delete(d.known, k) // its place in order goes when it is old
	return e.waiting
}

// remember takes the outcome and answers everybody who asked. An outcome that
// says "not executed" or "unknown" is not kept: a repetition may try again.
func (t *Topics) remember(g *group, k dedupeKey, r actor.Reply) {
	e := &remembered{done: true, err: r.Err, msg: r.Message}
	if r.Err == nil {
		if e.body.Type, e.body.Data, e.err = actor.Encode(r.Message); e.err != nil {
			e.err = nil // askers on this node do not need it; others get the error when they are answered
		}
	}
	status, _ := transport.Status(r.Err)
	keep := status == wire.StatusOK || status == wire.StatusError || status == wire.StatusPanic
	d := t.dedupe
	d.mu.Lock()
	var waiting []asker
	if old := d.known[k]; old != nil {
		waiting, old.waiting = old.waiting, nil
		if keep {
			old.done, old.err, old.msg, old.body = true, e.err, e.msg, e.body
			old.size = len(e.body.Data)
			d.bytes += old.size
		} else {
			delete(d.known, k)
		}
	}
	d.mu.Unlock()
	for _, w := range waiting {
		t.answer(g, e, w)
	}
}

// answer gives a remembered reply to who.
func (t *Topics) answer(g *group, e *remembered, who asker) { t.reply(g, who, e.msg, e.body, e.err) }

func (t *Topics) reply(g *group, who asker, msg any, body wire.Body, err error) {
	if who.node == t.name {
		t.sys.Replies().Complete(t.name, who.req, actor.Reply{From: t.name, Message: msg, Err: err})
		return
	}
	n, perr := id.Parse(who.node)
	if perr != nil {
		return
	}
	if err == nil && body.Type == "" && body.Data == nil {
		if body.Type, body.Data, err = actor.Encode(msg); err != nil {
			body = wire.Body{}
		}
	}
	r := wire.Reply{ID: who.req, HasLoad: true, Load: wireLoad(g.load()), Body: body}
	r.Status, r.Text = transport.Status(err)
	if l := t.net.Link(n); l == nil || l.TrySend(transport.Direct, &r) != nil {
		t.sys.Lost(actor.DeadUnreachable, "reply/"+who.node, body.Type, "")
	}
}
