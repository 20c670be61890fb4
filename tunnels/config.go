package tunnels

import (
	"context"
	"log/slog"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/tunnels/flow"
)

// Defaults of Config.
const (
	DefaultWindow       = 1 << 20          // bytes
	DefaultMaxMessage   = 64 << 20         // bytes
	DefaultMaxPerPeer   = 1024             // tunnels
	DefaultOpenTimeout  = 5 * time.Second  // of Open without a deadline, and for the opening frame of a peer
	DefaultStallAfter   = 5 * time.Second  // without credit
	DefaultCloseTimeout = 10 * time.Second // of a graceful Close
)

// Stream is the transport's stream: one ordered, reliable byte stream.
type Stream = transport.Stream

// Endpoint opens and accepts the streams of tunnels. *transport.Endpoint is one.
type Endpoint interface {
	ID() id.ID
	// HandleStream names the function that gets every stream a peer opens, each
	// call on a goroutine of its own.
	HandleStream(h func(from id.ID, s Stream))
	// OpenStream opens a stream to n; it blocks by ctx while it connects.
	OpenStream(ctx context.Context, n id.ID) (Stream, error)
}

// Choice is a node picked to serve a tunnel. Done is called exactly once with
// the outcome of the opening; nil is allowed.
type Choice struct {
	Node id.ID
	Done func(err error)
}

// Picker chooses a node that serves cluster, or fails with an error that wraps
// actor.ErrNoMembers or another sentinel of package actor.
type Picker interface {
	Pick(ctx context.Context, cluster string) (Choice, error)
}

// PickerFunc makes a Picker of a function.
type PickerFunc func(ctx context.Context, cluster string) (Choice, error)

// Pick implements Picker.
func (f PickerFunc) Pick(ctx context.Context, cluster string) (Choice, error) {
	return f(ctx, cluster)
}

// Config is what New needs. Zero values of the limits mean the defaults.
type Config struct {
	System   *actor.System
	Endpoint Endpoint
	Picker   Picker
	// Local returns the member of cluster on this node that takes the next
	// tunnel, or an error that wraps actor.ErrNoMembers.
	Local  func(cluster string) (*actor.PID, error)
	Logger *slog.Logger

	Window       int           // bytes a peer may run ahead of our application per tunnel; 4 KiB .. 1 GiB
	MaxMessage   int           // bytes of the longest message that Recv returns
	MaxPerPeer   int           // tunnel ends with one peer, whoever opened; one to this node has both ends here
	OpenTimeout  time.Duration // of Open without a deadline, and for the opening frame of a peer
	StallAfter   time.Duration // a sender that waits longer for credit is reported
	CloseTimeout time.Duration // bound of Close
}

func (c Config) withDefaults() Config {
	if c.Window == 0 {
		c.Window = DefaultWindow
	}
	c.Window = min(max(c.Window, flow.MinWindow), flow.MaxWindow)
	if c.MaxMessage == 0 {
		c.MaxMessage = DefaultMaxMessage
	}
	if c.MaxPerPeer == 0 {
		c.MaxPerPeer = DefaultMaxPerPeer
	}
	if c.OpenTimeout == 0 {
		c.OpenTimeout = DefaultOpenTimeout
	}
	if c.StallAfter == 0 {
		c.StallAfter = DefaultStallAfter
	}
	if c.CloseTimeout == 0 {
		c.CloseTimeout = DefaultCloseTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
