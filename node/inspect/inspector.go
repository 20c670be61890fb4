package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"iris/actor"
	"iris/node/relay"
	"iris/router"
	"iris/topics"
	"iris/transport"
	"iris/tunnels"
)

// Config is what an Inspector looks into. All fields but the functions are required.
type Config struct {
	System   *actor.System
	Endpoint *transport.Endpoint
	Router   *router.Router
	Topics   *topics.Topics
	Tunnels  *tunnels.Tunnels
	About    About
	State    func() string             // of the node: joining, ready, draining, stopping; nil: ready
	Relay    func() []relay.ClientInfo // nil: no relay
	Attach   func() []string           // where programs attach to it; nil: nowhere
	Settings func() map[string]any     // effective configuration by path, secrets masked; nil: none
	Now      func() time.Time          // the wall clock that the node tells; nil: time.Now
}

// About is what a node knows of itself from the start.
type About struct {
	Name        string // of its host
	Network     string
	Zone        string
	Labels      map[string]string
	Started     time.Time
	MemoryLimit int64
}

// Inspector answers queries about a node, and passes on those about others. See the
// package documentation.
type Inspector struct {
	answers map[string]func(context.Context, Query) (any, error)
	cfg     Config
	self    string
	pid     *actor.PID
	turns   *turns // of other nodes
	mine    *quarters
	theirs  *quarters
	heard   heard
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup // answers under way
}

var _ Asker = (*Inspector)(nil)

// New starts the actor iris/inspect, which answers the queries of other nodes.
func New(cfg Config) (*Inspector, error) {
	actor.RegisterType[Query](QueryType)
	actor.RegisterType[Refusal](RefusalType)
	if cfg.State == nil {
		cfg.State = func() string { return "ready" }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	i := &Inspector{
		cfg: cfg, self: cfg.System.Node(), turns: newTurns(), mine: newQuarters(), theirs: newQuarters(),
		heard: heard{nodes: make(map[string]word)},
	}
	i.answers = i.reports()
	i.ctx, i.cancel = context.WithCancel(context.Background())
	pid, err := cfg.System.Service("inspect", actor.Of(func() actor.Actor { return &server{i} }).
		Silent().Mailbox(queueLength).MailboxBytes(queueBytes).Strategy(actor.Strategy{MaxRestarts: -1}))
	if err != nil {
		i.cancel()
		return nil, fmt.Errorf("start inspect: %w", err)
	}
	i.pid = pid
	return i, nil
}

// Close ends what is under way and waits for it. Further queries fail with ErrClosed.
func (i *Inspector) Close(ctx context.Context) error {
	i.cancel()
	err := i.cfg.System.Poison(ctx, i.pid) // no answer begins after this
	i.work.Wait()
	return err
}

// reports are the queries by name, but for commands.
func (i *Inspector) reports() map[string]func(context.Context, Query) (any, error) {
	return map[string]func(context.Context, Query) (any, error){
		"node": i.node, "brief": i.brief, "peers": i.peers, "ring": i.ring, "network": i.network,
		"clusters": i.clusters, "topics": i.topics, "tunnels": i.tunnels, "actors": i.actors, "deadletters": i.deadLetters,
		"relay": i.relay, "config": i.settings, "nexthop": i.nextHop, "trace": i.trace,
	}
}

// Ask implements Asker.
func (i *Inspector) Ask(ctx context.Context, node string, q Query) ([]byte, error) {
	if node == "" || node == i.self {
		return i.answer(ctx, q)
	}
	return i.askOther(ctx, node, q)
}

// answer answers a query about this node.
func (i *Inspector) answer(ctx context.Context, q Query) ([]byte, error) {
	if err := i.ctx.Err(); err != nil {
		return nil, actor.ErrClosed
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	f := i.answers[q.What]
	if commands[q.What] != nil {
		f = i.order
	}
	if f == nil {
		return nil, badQuery("%q is none of %q", q.What, i.whats())
	}
	report, err := f(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.What, err)
	}
	return json.Marshal(report)
}

// whats lists what can be asked.
func (i *Inspector) whats() []string {
	var list []string
	for w := range i.answers {
		list = append(list, w)
	}
	for w := range commands {
		list = append(list, w)
	}
	slices.Sort(list)
	return list
}
