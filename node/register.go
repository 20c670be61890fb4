package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"iris/actor"
	"iris/node/config"
	"iris/topics"
	"iris/transport/wire"
)

// registerTimeout bounds Register and Subscribe, which take no context: the
// root of a name answers within milliseconds or is being replaced.
const registerTimeout = 10 * time.Second

// RegisterOption is a rare variant of Register, and of Subscribe.
type RegisterOption interface {
	SubscribeOption
	register(*registration)
}

type registration struct {
	members  int
	reliable bool // of a subscription
}

// Members sets how many handler actors are spawned, 1 to 65536; default 1.
func Members(n int) RegisterOption { return members(n) }

type members int

func (m members) register(r *registration)  { r.members = int(m) }
func (m members) subscribe(r *registration) { r.members = int(m) }

var errNoProps = errors.New("no handler given")

// Registration is this node's part in a cluster: some handlers.
type Registration struct {
	name    string // of the cluster or topic
	handler *handlers
	group   *group
	members []*actor.PID
	topics  *topics.Registration

	leaving chan struct{} // holds a token once Leave was called
	left    chan struct{} // closed when it is done
	err     error         // its result, valid then
}

// Register spawns handler actors as members of the cluster. It returns when
// every node that asks for the cluster knows of them. What the configuration
// says of the cluster (members, mailbox, strategy) replaces what props and
// options say. A cluster may be registered more than once on a node; each
// registration adds its handlers. It fails with actor.ErrClosed when the node
// stops meanwhile.
func (n *Node) Register(cluster string, props *actor.Props, opts ...RegisterOption) (*Registration, error) {
	o := registration{members: 1}
	for _, opt := range opts {
		opt.register(&o)
	}
	if props == nil {
		return nil, fmt.Errorf("cluster %q: %w", cluster, errNoProps)
	}
	props = n.configured(cluster, props.Clone(), &o)
	r, err := n.register(n.clusters, cluster, props, o, n.topics.Register)
	if err != nil {
		return nil, fmt.Errorf("cluster %q: %w", cluster, err)
	}
	return r, nil
}

func (n *Node) register(h *handlers, name string, props *actor.Props, o registration,
	announce func(context.Context, string, []*actor.PID) (*topics.Registration, error),
) (*Registration, error) {
	if err := wire.ValidName(name); err != nil {
		return nil, err
	}
	if o.members < 1 || o.members > 1<<16 {
		return nil, fmt.Errorf("%d members, want 1 to %d", o.members, 1<<16)
	}
	props.DefaultLimits(n.cfg.Limits.Mailbox, n.cfg.Limits.MailboxBytes)
	n.tracing.Handlers(props)
	if err := n.enter(); err != nil {
		return nil, err
	}
	defer n.joining.Done()
	ctx, cancel := context.WithTimeout(n.life, registerTimeout)
	defer cancel()
	g, pids, err := h.spawn(ctx, name, props, o.members)
	if err != nil {
		return nil, err
	}
	reg, err := announce(ctx, name, pids)
	if err != nil {
		return nil, errors.Join(err, h.end(ctx, name, g, pids))
	}
	return &Registration{
		name: name, handler: h, group: g, members: pids, topics: reg,
		leaving: make(chan struct{}, 1), left: make(chan struct{}),
	}, nil
}

// enter counts a registration in, for Stop to wait for.
func (n *Node) enter() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.life.Err() != nil {
		return context.Cause(n.life)
	}
	n.joining.Add(1)
	return nil
}

// configured applies what the configuration says of a cluster.
func (n *Node) configured(cluster string, props *actor.Props, o *registration) *actor.Props {
	c := n.cfg.Clusters[cluster]
	if c.Members > 0 {
		o.members = c.Members
	}
	if c.Mailbox > 0 {
		props.Mailbox(c.Mailbox)
	}
	if c.Strategy != nil {
		props.Strategy(strategyOf(*c.Strategy))
	}
	return props
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
// left at its end is cut off. Further calls wait for the first, as far as their
// contexts allow, and return its result.
func (r *Registration) Leave(ctx context.Context) error {
	select {
	case r.leaving <- struct{}{}: // never taken back
		r.err = errors.Join(r.topics.Leave(ctx), r.handler.end(ctx, r.name, r.group, r.members))
		close(r.left)
		return r.err
	default:
	}
	select {
	case <-r.left:
		return r.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
