package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"iris/actor"
	"iris/internal/id"
)

const (
	queueLength = 256     // queries of other nodes that wait; more are refused
	queueBytes  = 1 << 20 // of them
	maxAnswers  = 16      // under way for other nodes
	answerTime  = 10 * time.Second
)

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
	i := s.i
	select {
	case i.slots <- struct{}{}:
	default:
		actor.Fail(ctx, fmt.Errorf("%d queries are under way: %w", maxAnswers, actor.ErrOverloaded))
		return
	}
	d := actor.Defer(ctx)
	if d == nil { // nobody waits
		<-i.slots
		return
	}
	i.work.Go(func() {
		defer func() { <-i.slots }()
		i.serve(d, q)
	})
}

// serve answers one query of another node.
func (i *Inspector) serve(d *actor.Deferred, q Query) {
	ctx, cancel := context.WithTimeout(i.ctx, answerTime)
	defer cancel()
	if t := d.Deadline(); !t.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, t)
		defer cancel()
	}
	data, err := i.answer(ctx, q)
	switch {
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
	switch data, ok := reply.(actor.Bytes); {
	case err != nil:
		return nil, fmt.Errorf("node %s: %w", node, explain(err))
	case !ok:
		return nil, fmt.Errorf("node %s answered with %T", node, reply)
	default:
		return data, nil
	}
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
