package relay

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/topics"
	"iris/tunnels"
)

// Port is the port of Iris relays.
const Port = "55555"

// Bounds of one client, and of the relay. See the package documentation for what
// happens beyond them.
const (
	maxClients       = 8192
	maxHalfOpen      = 4096           // connections that have not greeted, about 4 KiB each
	maxBacklog       = 64 << 20       // bytes that wait to be sent to a client that does not read
	halfBacklog      = maxBacklog / 2 // from here on it counts whether it reads
	mostBacklog      = 3 * maxBacklog // bytes that wait if it does
	readPace         = 1 << 20        // bytes that a client reads in stallTimeout while memory is short
	maxOffered       = 48 << 20       // bytes that wait before what may be lost is
	maxAsks          = 4096           // requests of the client
	maxAskBytes      = 64 << 20
	maxServes        = 16384 // requests that the client works on
	maxChores        = 1024
	maxChoreBytes    = 4 << 20
	maxPipes         = 1024    // tunnels
	wideWindows      = 16      // tunnels with a window of 4 MiB; that of others has room for a chunk
	stockPace        = 1 << 20 // octets of a message of a tunnel that move in stockTimeout while others wait for memory
	maxSubscriptions = 4096
	mailbox          = 1 << 16 // messages
	mailboxBytes     = 16 << 20
)

// Times.
const (
	greetTimeout   = 5 * time.Second        // for the first packet
	joinTimeout    = 10 * time.Second       // to become a member, or a subscriber
	confirmTimeout = 3 * time.Second        // for a client to accept a tunnel
	choreTimeout   = 5 * time.Second        // for one of the operations that are in order to end, while too many wait
	answerGrace    = 100 * time.Millisecond // for replies of a client that has sent Close
	leaveTimeout   = time.Second            // for the network to learn that it left
	stallTimeout   = 5 * time.Second        // for a client that has much to read to read some of it
	doubt          = time.Second            // for a client to begin to read what came fast
	stockTimeout   = 2 * time.Minute        // for a message of a tunnel to move stockPace while others wait for memory
	partTimeout    = time.Minute            // for more of a packet that has begun to come
	linger         = time.Second            // for a client to read the last packet and to close
	flushTimeout   = 10 * time.Second       // for messages of a closed tunnel to reach the other end
	maxTimeoutMs   = 1 << 31
)

// Config says what the relay stands on. All fields but Token and Message are
// required.
type Config struct {
	System  *actor.System
	Topics  *topics.Topics
	Tunnels *tunnels.Tunnels
	Logger  *slog.Logger

	// Listen is the TCP address: host:port, or a port alone for both loopback
	// interfaces, 127.0.0.1 and [::1]; port 0 lets the system choose.
	Listen string

	// Token is what clients of a listener that is not on the loopback interface
	// show before they greet. Listening there without one is an error.
	Token []byte

	// Message is the largest payload in bytes, 0 = packet.DefaultMessage.
	Message int

	// Memory is what messages of tunnels may hold beyond their windows, in bytes, all
	// clients together; one message more is always possible. What waits to be sent to all
	// clients, beyond 64 KiB of each, may hold as much again, at least a message. 0 = 128 MiB.
	Memory int
}

func (c Config) check() error {
	if c.System == nil || c.Topics == nil || c.Tunnels == nil || c.Logger == nil {
		return errors.New("relay: System, Topics, Tunnels and Logger are required")
	}
	return nil
}

func (c Config) limits() packet.Limits { return packet.Limits{Message: c.Message} }

func (c Config) message() int {
	if c.Message > 0 {
		return c.Message
	}
	return packet.DefaultMessage
}

func (c Config) memory() int {
	if c.Memory > 0 {
		return c.Memory
	}
	return 128 << 20
}

// duration turns the timeout of a packet into one: 0 counts as 1 ms, more than
// 2^31 ms as that.
func duration(ms uint64) time.Duration {
	return time.Duration(min(max(ms, 1), maxTimeoutMs)) * time.Millisecond
}

// milliseconds is the inverse for what is left until a deadline: never 0, and the
// number that the asker chose if little time has passed.
func milliseconds(left time.Duration) uint64 {
	return uint64(max((left+time.Millisecond-1)/time.Millisecond, 1))
}

// errClosing ends the work of a client that goes.
var errClosing = errors.New("the client of the relay is going")

// within is a context that ends with c's client, or after d.
func (c *client) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.life, d)
}
