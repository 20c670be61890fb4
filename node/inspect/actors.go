package inspect

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"iris/actor"
)

// root is the actor above all others.
const root = "iris"

// actors answers "actors": the children of an actor with what is below them summed up,
// or, deep, all that is below it each by itself; or one alone.
func (i *Inspector) actors(_ context.Context, q Query) (any, error) {
	limit, err := q.limit()
	if err != nil {
		return nil, err
	}
	if name := q.Args["name"]; name != "" {
		a, ok := i.cfg.System.Look(name)
		if !ok {
			return nil, fmt.Errorf("actor %q: %w", name, ErrNotFound)
		}
		return Page[Actor]{Items: []Actor{actorOf(a)}, Total: 1}, nil
	}
	above := q.Args["parent"]
	if above == "" {
		above = root
	}
	if _, ok := i.cfg.System.Look(above); !ok {
		return nil, fmt.Errorf("actor %q: %w", above, ErrNotFound)
	}
	p := Page[Actor]{Items: []Actor{}}
	var list []actor.ActorInfo
	if q.Args["sort"] == "" && q.Args["deep"] == "" {
		if list, p.Total = i.cfg.System.Level(above, q.Args["after"], limit+1); len(list) > limit {
			list = list[:limit]
			p.Next = list[limit-1].ID
		}
	} else {
		order, err := q.actorOrder()
		if err != nil {
			return nil, err
		}
		if list, p.Next, p.Total, err = i.cfg.System.Sorted(above, order, q.Args["after"], limit); err != nil {
			return nil, badQuery("after: %v", err)
		}
	}
	for _, a := range list {
		p.Items = append(p.Items, actorOf(a))
	}
	return p, nil
}

// actorOrder is how actors are to be listed.
func (q Query) actorOrder() (o actor.ActorOrder, err error) {
	if deep := q.Args["deep"]; deep != "" {
		if o.Deep, err = strconv.ParseBool(deep); err != nil {
			return o, badQuery("deep %q, want true or false", deep)
		}
	}
	if q.Args["sort"] == "" {
		return o, nil
	}
	column, down, err := q.sort()
	o.By, o.Down = actorColumns[column], down
	return o, err
}

// maxError is how much of an error is told, in bytes.
const maxError = 256

func actorOf(a actor.ActorInfo) Actor {
	return Actor{
		Path: a.ID, Cluster: a.Cluster, Type: a.Type, State: a.State, Children: a.Children, Actors: a.Actors,
		Queued: a.Queued, Bytes: int(a.Bytes), Limit: a.Limit, Oldest: a.Oldest.Microseconds(), Handled: a.Handled,
		Busy: a.Busy.Microseconds(), Failures: a.Failures, Restarts: a.Restarts, LastError: cut(a.LastError, maxError),
	}
}

// cut shortens a text to n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// deadLetters answers "deadletters".
func (i *Inspector) deadLetters(context.Context, Query) (any, error) {
	counts := i.cfg.System.Counters().Dropped
	p := Page[DeadLetters]{Items: []DeadLetters{}}
	for _, r := range actor.DeadReasons() {
		d := DeadLetters{Reason: r.String(), Count: counts[r.String()]}
		for _, l := range i.cfg.System.DeadLetters(r) {
			d.Samples = append(d.Samples, Letter{
				Time: l.Time, Target: cut(l.Target, maxError), Type: cut(l.MessageType, maxError), Sender: cut(l.Sender, maxError), Count: l.Count,
			})
		}
		if d.Count > 0 {
			p.Items = append(p.Items, d)
		}
	}
	p.Total = len(p.Items)
	return p, nil
}
