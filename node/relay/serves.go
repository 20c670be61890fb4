package relay

import (
	"errors"
	"sync"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
)

// serves are the requests that a client works on, by the number that the relay
// gave them.
type serves struct {
	mu    sync.Mutex // guards the following fields
	open  map[uint64]serving
	last  uint64
	ended bool
}

type serving struct {
	request *actor.Deferred
	expiry  *time.Timer
}

func (s *serves) init() { s.open = map[uint64]serving{} }

// add takes a request over until its deadline, in left. It returns why not.
func (s *serves) add(d *actor.Deferred, left time.Duration) (id uint64, refusal error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return 0, actor.ErrDraining
	case len(s.open) >= maxServes:
		return 0, actor.ErrOverloaded
	}
	id = s.last
	s.last++
	s.open[id] = serving{d, time.AfterFunc(left, func() { s.expire(id) })}
	return id, nil
}

// take removes a request; nil if it is not there any more.
func (s *serves) take(id uint64) *actor.Deferred {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.open[id]
	if !ok {
		return nil
	}
	delete(s.open, id)
	v.expiry.Stop()
	return v.request
}

// expire forgets a request whose time is over: its asker knows that by itself.
func (s *serves) expire(id uint64) {
	if d := s.take(id); d != nil {
		d.Expire()
	}
}

// answer gives the reply of the client to the asker. One that comes too late, or to
// no request, is ignored.
func (s *serves) answer(p packet.Reply) {
	d := s.take(p.ID)
	switch {
	case d == nil:
	case p.OK:
		d.Reply(actor.Bytes(p.Payload))
	case p.Fault == "":
		d.Fail(errNoFault)
	default:
		d.Fail(errors.New(p.Fault))
	}
}

var errNoFault = errors.New("the request failed")

// fail answers all requests with err, and takes no more.
func (s *serves) fail(err error) {
	s.mu.Lock()
	s.ended = true
	open := s.open
	s.open = nil
	s.mu.Unlock()
	for _, v := range open {
		v.expiry.Stop()
		v.request.Fail(err)
	}
}
