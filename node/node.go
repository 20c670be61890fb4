package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/node/admin"
	"iris/node/config"
	"iris/node/discovery"
	"iris/node/inspect"
	"iris/node/logs"
	"iris/node/relay"
	"iris/node/tracing"
	"iris/router"
	"iris/topics"
	"iris/transport"
	"iris/transport/identity"
	"iris/transport/wire"
	"iris/tunnels"
)

// Node is a running node.
type Node struct {
	cfg       config.Config
	network   string
	logs      *logs.Logs
	logger    *slog.Logger // of no subsystem yet, see part
	log       *slog.Logger // of the subsystem node
	sys       *actor.System
	endpoint  *transport.Endpoint
	router    *router.Router
	topics    *topics.Topics
	tunnels   *tunnels.Tunnels
	discovery *discovery.Discovery
	clusters  *handlers     // of clusters
	readers   *handlers     // of topics
	relay     *relay.Relay  // nil if there is none
	admin     *admin.Server // the same
	inspector *inspect.Inspector
	began     time.Time
	tracing   *tracing.Tracing // nil if it is off
	watch     context.CancelFunc
	watching  sync.WaitGroup
	life      context.Context // ends with actor.ErrClosed when Stop begins
	end       context.CancelCauseFunc
	joining   sync.WaitGroup // calls of Register and Subscribe under way
	ready     atomic.Bool    // Start has come to its end
	draining  atomic.Bool    // by command
	gone      atomic.Bool    // Stop has come to its end

	mu      sync.Mutex // guards the following fields
	stopped chan struct{}
	stopErr error
}

// PeerInfo is what this node knows of a peer, a node that it is linked with.
type PeerInfo struct {
	ID          string
	Name        string // of its host
	Addr        string
	Zone        string
	Labels      map[string]string // of its configuration
	Incarnation uint64
	Suspect     bool
	RTT         time.Duration
	Since       time.Time // when it became a peer
}

// Start brings up a node and returns when it has joined its network; alone is
// fine. ctx bounds the joining only. Start fails if the configuration is
// wrong, the address cannot be bound, or ctx ends; then nothing is left behind.
func Start(ctx context.Context, cfg config.Config) (*Node, error) {
	return start(ctx, cfg, seams{})
}

// The parts of limits.memory that are for mailboxes, and for what topics remember and queue. For the
// rest see package transport.
const (
	mailboxesPart = 4
	topicsPart    = 4
)

// seams are what a test puts in place of the host's network and clock, and who sees the
// events from the first on.
type seams struct {
	conn   net.PacketConn
	beside net.PacketConn // of tunnels; nil: they share conn
	prober router.Prober
	now    func() time.Time // the wall clock, of certificates and of what the node tells of itself
	events func(any)
}

func start(ctx context.Context, cfg config.Config, s seams) (*Node, error) {
	began := time.Now()
	if err := config.Validate(cfg); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	keys, network, err := keyring(cfg.Network)
	if err != nil {
		return nil, err
	}
	ident, err := identity.New(keys, identity.Options{Now: s.now})
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if len(cfg.Network.Secret) > 0 {
		cfg.Network.Secret = []byte("[redacted]") // who looks into the node finds no key
	}
	n := &Node{cfg: cfg, network: network, began: began}
	n.openLog(ident.ID())
	n.life, n.end = context.WithCancelCause(context.Background())
	incarnation := uint64(began.UnixNano())
	n.sys = actor.NewSystem(actor.Options{Node: ident.ID().String(), Incarnation: incarnation, Replies: cfg.Limits.Replies, Mailboxes: cfg.Limits.Memory / mailboxesPart, Logger: n.part("actor")})
	n.sys.Events().Subscribe(logs.Events(n.part)) // until the system has shut down, which waits for it
	if s.events != nil {
		n.sys.Events().Subscribe(s.events)
	}
	if err := n.build(ident, keys, incarnation, s); err != nil {
		return nil, errors.Join(err, n.unwind())
	}
	n.watchCommands()
	if err := n.openAdmin(); err != nil {
		return nil, errors.Join(err, n.unwind())
	}
	if err := n.join(ctx); err != nil {
		return nil, errors.Join(err, n.unwind())
	}
	if err := n.openRelay(); err != nil {
		return nil, errors.Join(err, n.unwind())
	}
	n.ready.Store(true)
	n.sys.Events().Publish(&actor.NodeStarted{})
	n.log.Info("node started", "network", network, "addr", n.Addr().String(), "peers", len(n.Peers()), "took", time.Since(began))
	return n, nil
}

// build makes the layers from the bottom up.
func (n *Node) build(ident *identity.Identity, keys *identity.Keyring, incarnation uint64, s seams) error {
	limits := n.cfg.Limits
	host, err := os.Hostname()
	if err != nil || wire.ValidName(host) != nil {
		host = "" // a name is a courtesy
	}
	n.endpoint, err = transport.Listen(transport.Config{
		System: n.sys, Identity: ident, Listen: n.cfg.Listen, TunnelPort: n.cfg.Tunnels.Port(), BusyPoll: n.cfg.BusyPoll, Conn: s.conn, TunnelConn: s.beside, Incarnation: incarnation,
		Zone: n.cfg.Node.Zone, Name: host, Labels: n.cfg.Node.Labels, Logger: n.part("transport"),
		Limits: transport.Limits{
			Message: limits.Message, Frame: limits.Frame, Lane: limits.Lane, Peers: limits.Peers, HalfOpen: limits.HalfOpen, Tunnels: limits.Tunnels,
			Memory: limits.Memory,
		},
	})
	if err != nil {
		return err
	}
	r, err := router.New(router.Config{
		System: n.sys, Endpoint: n.endpoint, Seeds: n.cfg.Seeds, MeshMax: n.cfg.Overlay.MeshMax, Leaf: n.cfg.Overlay.LeafSet,
		Prober: s.prober, Logger: n.part("router"),
	})
	if err != nil {
		return err
	}
	n.router = r
	n.topics, err = topics.New(topics.Config{
		System: n.sys, Endpoint: n.endpoint, Router: n.router, Zone: n.cfg.Node.Zone, Logger: n.part("topics"),
		Reliable: func(topic string) bool { return n.cfg.Topics[topic].Reliable }, Memory: limits.Memory / topicsPart,
	})
	if err != nil {
		return err
	}
	n.tunnels, err = tunnels.New(tunnels.Config{
		System: n.sys, Endpoint: n.endpoint, Picker: n.picker(), Local: n.topics.Local, Logger: n.part("tunnels"),
		Window: limits.TunnelWindow, MaxMessage: limits.Message, MaxPerPeer: limits.Tunnels,
	})
	if err != nil {
		return err
	}
	if n.tracing, err = tracing.New(n.cfg.Tracing, ident.ID().String(), n.network, n.log); err != nil {
		return err
	}
	if n.clusters, err = newHandlers(n.sys, "clusters"); err != nil {
		return err
	}
	if n.readers, err = newHandlers(n.sys, "readers"); err != nil {
		return err
	}
	if err := n.openInspector(host, s.now); err != nil {
		return err
	}
	if err := n.endpoint.Start(n.router.PID()); err != nil {
		return err
	}
	n.router.Open()
	return n.openDiscovery(ident.ID(), incarnation, keys.BeaconKeys())
}

// join waits until the node has converged.
func (n *Node) join(ctx context.Context) error {
	quiet := n.discovery.Quiet()
	n.watching.Go(func() {
		select {
		case <-quiet:
			n.router.DiscoveryQuiet(ctx)
		case <-ctx.Done():
		}
	})
	select {
	case <-n.router.Converged():
		n.discovery.Joined(true)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("join network %q: %w", n.network, context.Cause(ctx))
	}
}

// unwind ends what a failed Start has begun. Peers that it has met already are
// told that it leaves.
func (n *Node) unwind() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	defer n.logs.Close()
	return n.shutdown(ctx)
}

// ID returns the node's id: 32 hexadecimal digits, new with each start.
func (n *Node) ID() string { return n.sys.Node() }

// Addr returns the UDP address the node is bound to.
func (n *Node) Addr() net.Addr { return n.endpoint.Addr() }

// Network returns the name of the network, also when it was made up.
func (n *Node) Network() string { return n.network }

// openLog makes the loggers of the node with that id.
func (n *Node) openLog(self id.ID) {
	n.logs = logs.New(n.cfg.Log, os.Stderr)
	n.logger = n.logs.Logger().With("node", self.Short())
	n.log = n.part("node")
}

// part returns the logger of a subsystem.
func (n *Node) part(subsystem string) *slog.Logger { return n.logger.With(logs.Subsystem, subsystem) }

// Logger returns the logger of the node itself, for a program that is little more
// than the node. Handlers have one of their own, see actor.Context.
func (n *Node) Logger() *slog.Logger { return n.log }

// String returns "node " and the id. Whatever the verb, a printed Node shows no more.
func (n *Node) String() string { return "node " + n.ID() }

// Format prints String.
func (n *Node) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.String()) }

// Events returns the node's event stream.
func (n *Node) Events() *actor.Events { return n.sys.Events() }

// System returns the actor system: to spawn actors of the program's own, and
// to send from outside of actors.
func (n *Node) System() *actor.System { return n.sys }

// Peers returns the nodes that this one is linked with, in the order of the
// ring. Suspected ones are included. In a mesh that is everybody; in a network
// of more than overlay.mesh_max nodes it is the neighbours on the ring, the nodes
// this one routes through, and those it works with at present. A node that is
// no peer can be reached all the same, by name and by PID.
func (n *Node) Peers() []PeerInfo {
	var out []PeerInfo
	for _, p := range n.router.Routes().Peers() {
		info := PeerInfo{
			ID: p.ID.String(), Addr: p.Addr, Zone: p.Zone, Incarnation: p.Incarnation,
			Suspect: p.State == router.Suspect, RTT: p.RTT, Since: p.Since,
		}
		if l := n.endpoint.Link(p.ID); l != nil { // it may be on its way out
			info.Name, info.Labels = l.Hello().Name, l.Labels()
		}
		out = append(out, info)
	}
	return out
}
