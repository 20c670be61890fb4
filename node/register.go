package node

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/node/config"
	"iris/topics"
	"iris/transport/wire"
)

// registerTimeout bounds Register and Subscribe, which take no context: the
// root of a name answers within milliseconds or is being replaced.
const registerTimeout = 10 * time.Second

// RegisterOption is a rare variant of Register and Subscribe.
type RegisterOption func(*registration)

type registration struct{ members int }

// Members sets how many handler actors are spawned, 1 to 65536; default 1.
func Members(n int) RegisterOption { return func(r *registration) { r.members = n } }

// Registration is this node's part in a cluster: handlers under one supervisor.
type Registration struct {
	n       *Node
	group   *actor.PID // the supervisor of the handlers
	members []*actor.PID
	topics  *topics.Registration
}

// Subscription is a handler of a topic's events.
type Subscription struct{ r *Registration }

// Register spawns handler actors as members of the cluster. It returns when
// every node that asks for the cluster knows of them. What the configuration
// says of the cluster (members, mailbox, strategy) replaces what props and
// options say. A cluster may be registered more than once on a node; each
// registration adds its handlers.
func (n *Node) Register(cluster string, props *actor.Props, opts ...RegisterOption) (*Registration, error) {
	return n.register("cluster", cluster, props, opts, n.clusters, n.topics.Register)
}

// Subscribe spawns a handler actor that receives the topic's events. It
// returns when every publisher that holds the topic's list knows of it.
func (n *Node) Subscribe(topic string, props *actor.Props, opts ...RegisterOption) (*Subscription, error) {
	r, err := n.register("topic", topic, props, opts, n.readers, func(ctx context.Context, topic string, pids []*actor.PID) (*topics.Registration, error) {
		return n.topics.Subscribe(ctx, topic, pids...)
	})
	if err != nil {
		return nil, err
	}
	return &Subscription{r}, nil
}

func (n *Node) register(what, name string, props *actor.Props, opts []RegisterOption, parent *actor.PID,
	announce func(context.Context, string, []*actor.PID) (*topics.Registration, error),
) (*Registration, error) {
	if err := wire.ValidName(name); err != nil {
		return nil, fmt.Errorf("%s %q: %w", what, name, err)
	}
	o := registration{members: 1}
	for _, opt := range opts {
		opt(&o)
	}
	strategy := actor.Strategy{}
	props = props.Clone()
	if what == "cluster" {
		props, strategy = n.configured(name, props, &o)
	}
	if o.members < 1 || o.members > 1<<16 {
		return nil, fmt.Errorf("%s %q: %d members, want 1 to %d", what, name, o.members, 1<<16)
	}
	ctx, cancel := context.WithTimeout(context.Background(), registerTimeout)
	defer cancel()
	r := &Registration{n: n}
	group, err := n.group(parent, name, strategy)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", what, name, err)
	}
	r.group = group
	for i := range o.members {
		pid, err := n.sys.SpawnUnder(group, strconv.Itoa(i+1), props)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s %q: %w", what, name, err), n.sys.Stop(ctx, group))
		}
		r.members = append(r.members, pid)
	}
	if r.topics, err = announce(ctx, name, r.members); err != nil {
		return nil, errors.Join(fmt.Errorf("%s %q: %w", what, name, err), n.sys.Stop(ctx, group))
	}
	return r, nil
}

// group spawns the supervisor of one registration's handlers. The first of a
// name has the name itself, further ones a number behind it.
func (n *Node) group(parent *actor.PID, name string, s actor.Strategy) (*actor.PID, error) {
	escaped := url.PathEscape(name)
	pid, err := n.sys.SpawnUnder(parent, escaped, actor.Supervisor(s))
	if errors.Is(err, actor.ErrNameExists) {
		n.mu.Lock()
		n.seq++
		seq := n.seq
		n.mu.Unlock()
		return n.sys.SpawnUnder(parent, fmt.Sprintf("%s+%d", escaped, seq), actor.Supervisor(s))
	}
	return pid, err
}

// configured applies what the configuration says of a cluster.
func (n *Node) configured(cluster string, props *actor.Props, o *registration) (*actor.Props, actor.Strategy) {
	var strategy actor.Strategy
	c, ok := n.cfg.Clusters[cluster]
	if !ok {
		return props, strategy
	}
	if c.Members > 0 {
		o.members = c.Members
	}
	if c.Mailbox > 0 {
		props = props.Mailbox(c.Mailbox)
	}
	if c.Strategy != nil {
		strategy = strategyOf(*c.Strategy)
		props = props.Strategy(strategy)
	}
	return props, strategy
}

func strategyOf(c config.Strategy) actor.Strategy {
	s := actor.Strategy{
		MaxRestarts: c.MaxRestarts, Window: c.Window, BackoffMin: c.BackoffMin, BackoffMax: c.BackoffMax,
		Exhausted: actor.DirectiveStop,
	}
	if c.Exhausted == config.ExhaustedEscalate {
		s.Exhausted = actor.DirectiveEscalate
	}
	if c.MaxRestarts == 0 { // in the file 0 means none; in code it means the default
		s.Decide = func(actor.Failure) actor.Directive { return s.Exhausted }
	}
	return s
}

// PIDs returns the handlers, in the order in which they were spawned.
func (r *Registration) PIDs() []*actor.PID { return append([]*actor.PID(nil), r.members...) }

// Leave takes the handlers out of the cluster: first every asker is told, then
// what they have accepted is finished, then they stop. ctx bounds it; what is
// left at its end is cut off.
func (r *Registration) Leave(ctx context.Context) error {
	err := r.topics.Leave(ctx)
	return errors.Join(err, r.n.sys.Poison(ctx, r.group))
}

// Close ends the subscription: publishers are told, queued events are handled,
// the handler stops. ctx bounds it.
func (s *Subscription) Close(ctx context.Context) error { return s.r.Leave(ctx) }

// disconnect drops the link to a peer, by command.
func (n *Node) disconnect(peer string) {
	p, err := id.Parse(peer)
	if err != nil {
		n.log.Warn("disconnect: not a node id", "peer", peer)
		return
	}
	if l := n.endpoint.Link(p); l != nil {
		l.Close(wire.CodeOK, "disconnected by command")
	}
}

// drain leaves every cluster and topic, by command; the node stays in the
// network and keeps asking others.
func (n *Node) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.Shutdown.Timeout)
	defer cancel()
	if err := n.topics.Drain(ctx); err != nil {
		n.log.Warn("drain was cut short", "error", err)
	}
}
