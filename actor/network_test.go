package actor

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// network connects systems in memory: a Remote per node that encodes what it carries.
type network struct {
	mu    sync.Mutex
	nodes map[string]*System
	cut   map[string]bool // unreachable nodes
}

type networkRemote struct {
	net *network
	s   *System
}

func newNetwork(t testing.TB, names ...string) (*network, []*System) {
	RegisterType[word]("test.word")
	n := &network{nodes: map[string]*System{}, cut: map[string]bool{}}
	var list []*System
	for _, name := range names {
		s := NewSystem(Options{Node: name})
		s.SetRemote(&networkRemote{n, s})
		n.nodes[name] = s
		list = append(list, s)
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := s.Shutdown(ctx); err != nil {
				t.Errorf("shutdown: %v", err)
			}
		})
	}
	return n, list
}

func (r *networkRemote) to(node string) (*System, error) {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	if r.net.nodes[node] == nil || r.net.cut[node] || r.net.cut[r.s.Node()] {
		return nil, fmt.Errorf("link: %w", ErrUnreachable)
	}
	return r.net.nodes[node], nil
}

func (r *networkRemote) carry(msg any) (any, error) {
	if msg == nil {
		return nil, nil
	}
	typ, data, err := Encode(msg)
	if err != nil {
		return nil, err
	}
	return Decode(typ, data)
}

func (r *networkRemote) Tell(to, sender *PID, msg any) error {
	s, err := r.to(to.Address)
	if err != nil {
		return err
	}
	msg, err = r.carry(msg)
	if err != nil {
		return err
	}
	in := &Inbound{Message: msg, From: r.s.Node()}
	in.Origin = r.s.Node()
	if sender != nil {
		in.SenderID = sender.Id
		if sender.Address != r.s.Node() {
			in.SenderNode = sender.Address
		}
	}
	_ = s.DeliverRemote(to.Id, in)
	return nil
}

func (r *networkRemote) Ask(to *PID, id uint32, ttl time.Duration, msg any) error {
	s, err := r.to(to.Address)
	if err != nil {
		return err
	}
	msg, err = r.carry(msg)
	if err != nil {
		return err
	}
	in := &Inbound{Message: msg, From: r.s.Node(), ReplyTo: id, Tracker: &testTracker{}}
	in.Kind, in.Deadline, in.Origin = Request, time.Now().Add(ttl), r.s.Node()
	if err := s.DeliverRemote(to.Id, in); err != nil {
		r.s.Replies().Complete(to.Address, id, Reply{Err: err})
	}
	return nil
}

func (r *networkRemote) Reply(node string, id uint32, msg any, failed error, load Load) error {
	s, err := r.to(node)
	if err != nil {
		return err
	}
	msg, err = r.carry(msg)
	if err != nil {
		return err
	}
	s.Replies().Complete(r.s.Node(), id, Reply{Message: msg, Err: failed, Load: load})
	return nil
}

func (r *networkRemote) Watch(watcher, watchee *PID) error {
	s, err := r.to(watchee.Address)
	if err == nil {
		s.RemoteWatch(r.s.Node(), watcher.Id, watchee.Id)
	}
	return err
}

func (r *networkRemote) Unwatch(watcher, watchee *PID) error {
	s, err := r.to(watchee.Address)
	if err == nil {
		s.RemoteUnwatch(r.s.Node(), watcher.Id, watchee.Id)
	}
	return err
}

func (r *networkRemote) Terminated(watcher, who *PID, why int) error {
	s, err := r.to(watcher.Address)
	if err == nil {
		s.RemoteTerminated(r.s.Node(), who.Id, watcher.Id, why)
	}
	return err
}

func (r *networkRemote) Stop(pid *PID, poison bool) error {
	s, err := r.to(pid.Address)
	if err == nil {
		s.RemoteStop(r.s.Node(), pid.Id, poison)
	}
	return err
}

type word struct{ S string }

// echoWord is echo for messages that travel.
func echoWord() *Props {
	return Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case word:
			if m.S == "boom" {
				panic("boom")
			}
			ctx.Respond(word{"re " + m.S})
		case *word:
			ctx.Respond(&word{"re *" + m.S})
		case Bytes:
			ctx.Respond(append(Bytes("re "), m...))
		case int:
			ctx.Respond(m)
		}
	})
}
