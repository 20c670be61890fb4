package topics

import (
	"context"
	"log/slog"

	"iris/actor"
	"iris/internal/id"
	"iris/router"
	"iris/transport"
)

// Router is what topics need of the router: the ring as it is and news of it.
type Router interface {
	Routes() *router.Routes
	Subscribe(pid *actor.PID)
}

// Config describes the topics of one node. All fields but Zone are required.
type Config struct {
	System   *actor.System
	Endpoint *transport.Endpoint
	Router   Router
	Zone     string // told to others with each registration; may be empty
	Logger   *slog.Logger
}

// Topics is one node's part in all clusters and topics.
type Topics struct{}

// Registration is a node's membership in one cluster or topic.
type Registration struct{}

// Options are the rare variants of a request.
type Options struct {
	Idempotent bool   // retried until the deadline; members deduplicate
	Trace      string // passed on to the handler, at most 255 bytes
}

// Choice is a member node chosen for something that takes a while. Done must
// be called once when that has ended; its error says whether it went well.
type Choice struct {
	Node id.ID
	Done func(err error)
}

// New starts the topics of a node. It must be called before the endpoint starts.
func New(cfg Config) (*Topics, error) { return nil, nil }

// Register makes the members handlers of the cluster. It returns when the root has acked.
func (t *Topics) Register(ctx context.Context, cluster string, members []*actor.PID) (*Registration, error) {
	return nil, nil
}

// Subscribe gives pid the events of the topic.
func (t *Topics) Subscribe(ctx context.Context, topic string, pid *actor.PID) (*Registration, error) {
	return nil, nil
}

// Leave ends the membership.
func (r *Registration) Leave(ctx context.Context) error { return nil }

// Request sends msg to one member of the cluster and returns its reply.
func (t *Topics) Request(ctx context.Context, cluster string, msg any, o Options) (any, error) {
	return nil, nil
}

// Broadcast sends msg to every member of the cluster.
func (t *Topics) Broadcast(ctx context.Context, cluster string, msg any) error { return nil }

// Publish sends msg to every subscriber of the topic.
func (t *Topics) Publish(ctx context.Context, topic string, msg any) error { return nil }

// Pick chooses a member node as a request would.
func (t *Topics) Pick(ctx context.Context, cluster string) (Choice, error) { return Choice{}, nil }

// Local returns the least loaded member on this node.
func (t *Topics) Local(cluster string) (*actor.PID, error) { return nil, actor.ErrNoMembers }

// Stop leaves every cluster and topic, in parallel, and ends the actors.
func (t *Topics) Stop(ctx context.Context) error { return nil }
