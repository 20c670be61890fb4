package inspect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"strings"
	"time"

	"iris/actor"
	"iris/internal/id"
)

const (
	queueLength = 256             // queries of other nodes that nobody looked at; more are refused
	queueBytes  = 1 << 20         // of them
	maxTraces   = 4               // under way, of other nodes and as many of our own
	answerTime  = 3 * time.Second // for a report of this node to another one
	orderTime   = time.Minute     // for a command
)

// RefusalType is the name under which Refusal travels between nodes.
const RefusalType = "iris.inspect.Refusal"

// Refusal is the answer to a query that this node will not answer.
type Refusal struct {
	NotFound bool // else it makes no sense
	Text     string
}

// refusal is err as a Refusal, nil if it is something else.
func refusal(err error) *Refusal {
	switch {
	case errors.Is(err, ErrNotFound):
		return &Refusal{NotFound: true, Text: cut(strings.TrimSuffix(err.Error(), ": "+ErrNotFound.Error()), maxArg)}
	case errors.Is(err, ErrBadQuery):
		return &Refusal{Text: cut(strings.TrimPrefix(err.Error(), ErrBadQuery.Error()+": "), maxArg)}
	}
	return nil
}

// err is the error that the refusal was made of.
func (r *Refusal) err() error {
	if r.NotFound {
		return fmt.Errorf("%s: %w", cut(r.Text, maxArg), ErrNotFound)
	}
	return badQuery("%s", cut(r.Text, maxArg))
}

// server is iris/inspect. It decides who is answered; the answers are made on goroutines,
// since some wait for other nodes.
type server struct{ i *Inspector }

// Receive implements actor.Actor.
func (s *server) Receive(ctx actor.Context) {
	var q Query
	switch m := ctx.Message().(type) {
	case Query:
		q = m
	case *Query:
		q = *m
	default:
		return
	}
	i, d := s.i, actor.Defer(ctx)
	if d == nil { // nobody waits
		return
	}
	from := actor.Meta(ctx).Origin
	guest := i.turns.enter(from)
	if guest == nil {
		d.Refuse(actor.ErrOverloaded)
		return
	}
	if q.Args["by"] != "" || commands[q.What] != nil {
		args := make(map[string]string, len(q.Args)+1)
		maps.Copy(args, q.Args) // a peer says who orders, we say where
		args["by"] = strings.TrimSpace(cut(q.Args["by"], maxArg/2) + " at node " + from)
		q.Args = args
	}
	i.work.Go(func() {
		defer i.turns.leave(from)
		i.serve(d, guest, q)
	})
}

// serve answers one query of another node when it is its turn.
func (i *Inspector) serve(d *actor.Deferred, from *guest, q Query) {
	defer func() {
		if r := recover(); r != nil { // a defect of ours is not to end the node because a peer found it
			log := i.cfg.System.Logger()
			log.Error("query panicked", "what", q.What, "panic", r, "stack", string(debug.Stack()))
			d.Fail(errors.New("the query panicked"))
		}
	}()
	patience, command := answerTime, commands[q.What] != nil
	if command {
		patience = orderTime
	}
	ctx, cancel := context.WithTimeout(context.WithValue(i.ctx, foreign{}, true), patience)
	defer cancel()
	if t := d.Deadline(); !t.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, t)
		defer cancel()
	}
	end := i.turns.await(ctx, from, command)
	if end == nil {
		d.Refuse(actor.ErrOverloaded)
		return
	}
	defer end()
	data, err := i.answer(ctx, q)
	switch r := refusal(err); {
	case r != nil:
		d.Reply(r)
	case err != nil:
		d.Fail(err)
	default:
		d.Reply(actor.Bytes(data))
	}
}

// askOther passes a query on to another node.
func (i *Inspector) askOther(ctx context.Context, node string, q Query) ([]byte, error) {
	if _, err := id.Parse(node); err != nil {
		return nil, badQuery("%q is not a node id", node)
	}
	reply, err := i.cfg.System.Root().Request(ctx, actor.NewPID(node, i.pid.Id), q)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", node, explain(err))
	}
	switch r := reply.(type) {
	case actor.Bytes:
		if err := said(q, r); err != nil {
			return nil, fmt.Errorf("node %s: %w", node, err)
		}
		return r, nil
	case *Refusal:
		return nil, fmt.Errorf("node %s: %w", node, r.err())
	}
	return nil, fmt.Errorf("node %s answered with %T", node, reply)
}

// explain tells an error of the node asked from one of the way there.
func explain(err error) error {
	var remote *actor.RemoteError
	switch {
	case errors.As(err, &remote):
		return err
	case errors.Is(err, actor.ErrNoActor):
		return fmt.Errorf("it answers no queries: %w", err)
	case errors.Is(err, actor.ErrUnreachable):
		return fmt.Errorf("%w: %w", ErrUnknownNode, err)
	}
	return err
}
