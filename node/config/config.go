package config

import (
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Config is everything a node can be told before it starts. The zero value of a
// field means its documented default unless the field says otherwise; start from
// [Default] to have them filled in.
type Config struct {
	// Network says which network the node belongs to.
	Network Network

	// Node describes this process to its peers.
	Node Node

	// Listen is the UDP address, host:port, that carries all links; port 0 lets
	// the system choose. Empty picks by need: the loopback interface while only
	// processes of this host are looked for ("127.0.0.1:0"), every interface
	// (":0") once Discovery looks beyond this host or a seed lies outside. A
	// developer's machine is thus never reachable from outside by accident.
	Listen string

	// BusyPoll trades processor time for latency: for so long after each packet to
	// the port of its links, a node asks for the next one again and again before it sleeps.
	// Requests that follow each other so closely find both nodes awake. It costs up to
	// one processor while packets come, and harms where processors are short; so only
	// for hosts that have one to spare. 10 us..10 ms or 0, not at all; default 0. Only Linux
	// with receive offload (5.0 and later) does it.
	BusyPoll time.Duration

	// Seeds are the addresses, host:port, of nodes to try at start and again
	// while the node is alone. Names are resolved at each attempt.
	Seeds []string

	// Discovery finds peers that no seed names.
	Discovery Discovery

	// Overlay says how many nodes link to everybody. All nodes of a network
	// should have the same.
	Overlay Overlay

	// Limits bound the memory and the work that traffic can cause.
	Limits Limits

	// Clusters sets, per cluster name, what the program that registers the
	// cluster leaves to the operator. Entries for clusters that this process
	// never registers are harmless.
	Clusters map[string]Cluster

	// Topics does the same per topic name, for what this node publishes and
	// subscribes.
	Topics map[string]Topic

	// Tunnels says which port carries tunnels.
	Tunnels Tunnels

	// Relay is the endpoint for programs in other languages.
	Relay Relay

	// Admin is the endpoint for people and tools that look after the node.
	Admin Admin

	// Log chooses what the node writes about itself.
	Log Log

	// Tracing tells OpenTelemetry of requests and events; off by default.
	Tracing Tracing

	// Shutdown bounds the drained stop.
	Shutdown Shutdown
}

// Network names the network and holds the key that admits to it. All nodes of a
// network have the same name and the same key. With neither Key nor Secret the
// node makes a random key, and with no Name a random name: a network of its own,
// for developing on one process.
//
// Formatting a Network or a Config never shows the secret, see [Secret].
type Network struct {
	// Name of the network: 1 to 255 bytes of UTF-8 without control characters.
	// Empty = random.
	Name string

	// Key is the path of the key file: PEM private key (Ed25519, EC, RSA) or at
	// least 32 random bytes, raw or as hex or base64. Load resolves it against
	// the folder of the config file. Excludes Secret.
	Key string

	// Secret is the same material given directly. Excludes Key.
	Secret Secret
}

// Node describes one process to others.
type Node struct {
	// Zone is the failure and latency domain of the node, such as a rack or a
	// data centre; empty = none. At most 255 bytes.
	Zone string

	// Labels are free name=value pairs for people and tools; at most 64, names
	// and values at most 255 bytes each.
	Labels map[string]string
}

// Overlay chooses the form of the network. Small networks are a mesh: everybody
// is linked to everybody. Larger ones are structured: a node is linked to its
// neighbours on the ring, to some nodes far away, and to those that it works
// with. Programs see no difference but the time of a first contact.
type Overlay struct {
	// MeshMax is the number of nodes up to which the network is a mesh, 4..256,
	// default 256. Not above Limits.Peers.
	MeshMax int

	// LeafSet is how many nearest neighbours on the ring a node knows, half on
	// each side; 4..128, even, default 32. More survive more nodes that fail at
	// the same time. At most half of Limits.Peers. A network is structured from
	// the start unless MeshMax is above LeafSet.
	LeafSet int
}

// Limits bound what traffic can cost. Sizes are bytes.
type Limits struct {
	// Memory is what the node may hold for all peers and programs together: parts of it
	// are shared by lanes, mailboxes, receive windows and what else waits. At least
	// Message; 64 MiB..1 TiB, default 512 MiB.
	Memory int

	Frame        int // largest frame sent on a lane; 64 KiB..1 MiB, default 256 KiB; larger messages travel in pieces beside it
	Message      int // largest message a handler or a tunnel's Recv is given; 64 KiB..1 GiB, default 64 MiB
	Lane         int // bytes queued per lane of a link before senders wait; Frame..1 GiB, default 4 MiB
	Mailbox      int // messages queued per handler; 1..10 million, default 10 000
	MailboxBytes int // bytes queued per handler; 64 KiB..1 GiB, default 8 MiB
	Peers        int // links to peers; 1..1024, default 1024; at least Overlay.MeshMax and twice Overlay.LeafSet
	HalfOpen     int // handshakes not yet admitted, over all sources; 1..65 536, default 256
	Tunnels      int // open tunnels with one peer; 1..65 536, default 1024
	TunnelWindow int // bytes a tunnel's sender may be ahead of who receives; 64 KiB..1 GiB, default 1 MiB
	Replies      int // requests of this node awaiting a reply; 1..16 777 216, default 1 048 576
}

// Cluster sets what one cluster's registration leaves open; zero fields leave
// the program's own choice.
type Cluster struct {
	// Members is the number of handler actors, 1..65 536; 0 = as registered.
	Members int

	// Strategy replaces the supervision strategy; nil = as registered.
	Strategy *Strategy

	// Mailbox bounds the messages queued per member, 1..10 million; 0 = as
	// registered, or else Limits.Mailbox.
	Mailbox int
}

// Topic sets what one topic's publishers and subscribers leave open.
type Topic struct {
	// Reliable makes every Subscribe and Publish of the topic on this node
	// reliable, as if the program had asked for it; false = as the program says.
	Reliable bool
}

// Strategy is the restart budget and back-off of a cluster's members. Loaded
// from a file, keys that are missing take the values of [DefaultStrategy].
type Strategy struct {
	MaxRestarts int           // restarts allowed within Window; 0 = none; at most 1 million
	Window      time.Duration // 1 s..24 h
	BackoffMin  time.Duration // wait before the first restart, then doubling; 1 ms..1 h
	BackoffMax  time.Duration // cap of the doubling; BackoffMin..1 h
	Exhausted   string        // what happens when the budget is spent: "stop" or "escalate"
}

// Tunnels chooses the way of tunnels.
type Tunnels struct {
	// Listen is a UDP port, at the host of Config.Listen, that carries nothing but
	// tunnels, so that messages do not wait behind them, or "off": they share the
	// port of Config.Listen. Empty or "0" = the system chooses. Peers learn of the port
	// by themselves; those that cannot reach it open their tunnels at the other.
	Listen string
}

// Port returns the port: 0 if the system chooses, -1 if there is none.
func (t Tunnels) Port() int {
	if t.Listen == "" {
		return 0
	}
	port, err := strconv.ParseUint(t.Listen, 10, 16)
	if err != nil {
		return -1
	}
	return int(port)
}

// Relay is the TCP endpoint to which programs in other languages attach.
type Relay struct {
	// Listen is a port, for both loopback interfaces ("55555"), an address
	// host:port, or "off"; port 0 lets the system choose. Empty = off; the command
	// iris node makes it RelayPort. Beyond the loopback interface it needs TokenFile.
	Listen string

	// TokenFile is the path of a file with a token, at least 16 bytes in
	// hexadecimal, that programs show when they do not attach over the loopback
	// interface. Load resolves it against the folder of the config file.
	TokenFile string

	// Optional lets the node start without its relay if Listen is in use. Not part
	// of the file.
	Optional bool
}

// On reports whether there is a relay.
func (r Relay) On() bool { return r.Listen != "" && r.Listen != EndpointOff }

// Shutdown bounds the end of a node.
type Shutdown struct {
	// Timeout is how long a drained stop may take before what is left is cut
	// off; 100 ms..1 h, default 10 s.
	Timeout time.Duration
}

// The values of Log.Format, Relay.Listen and Strategy.Exhausted.
const (
	FormatText = "text"
	FormatJSON = "json"

	RelayPort = "55555" // where programs look for the relay of their host

	EndpointOff = "off" // also of Admin.Listen and Tunnels.Listen

	ExhaustedStop     = "stop"
	ExhaustedEscalate = "escalate"
)

// Default returns the developer defaults: a random network of its own, open to
// processes of this machine only. Listen is empty, which stands for the address
// that fits the discovery and seeds; see [Config].
func Default() Config {
	return Config{
		Discovery: Discovery{Host: true},
		Overlay:   Overlay{MeshMax: 256, LeafSet: 32},
		Limits: Limits{
			Memory:       512 << 20,
			Frame:        256 << 10,
			Message:      64 << 20,
			Lane:         4 << 20,
			Mailbox:      10_000,
			MailboxBytes: 8 << 20,
			Peers:        1024,
			HalfOpen:     256,
			Tunnels:      1024,
			TunnelWindow: 1 << 20,
			Replies:      1 << 20,
		},
		Log:      Log{Level: slog.LevelInfo, Format: FormatText},
		Tracing:  Tracing{Exporter: ExporterNone},
		Shutdown: Shutdown{Timeout: 10 * time.Second},
	}
}

// DefaultStrategy returns the strategy from which a cluster's strategy section
// starts.
func DefaultStrategy() Strategy {
	return Strategy{
		MaxRestarts: 10,
		Window:      time.Minute,
		BackoffMin:  50 * time.Millisecond,
		BackoffMax:  10 * time.Second,
		Exhausted:   ExhaustedStop,
	}
}

// WithDefaults returns a deep copy of c in which every field whose zero value
// stands for a default holds that default. Network is left as it is: a random
// name or key is made by the node, once.
func (c Config) WithDefaults() Config {
	d := Default()
	c = c.clone()
	c.Discovery = c.Discovery.withDefaults()
	for _, p := range []struct {
		field *int
		value int
	}{
		{&c.Overlay.MeshMax, d.Overlay.MeshMax},
		{&c.Overlay.LeafSet, d.Overlay.LeafSet},
		{&c.Limits.Memory, d.Limits.Memory},
		{&c.Limits.Frame, d.Limits.Frame},
		{&c.Limits.Message, d.Limits.Message},
		{&c.Limits.Lane, d.Limits.Lane},
		{&c.Limits.Mailbox, d.Limits.Mailbox},
		{&c.Limits.MailboxBytes, d.Limits.MailboxBytes},
		{&c.Limits.Peers, d.Limits.Peers},
		{&c.Limits.HalfOpen, d.Limits.HalfOpen},
		{&c.Limits.Tunnels, d.Limits.Tunnels},
		{&c.Limits.TunnelWindow, d.Limits.TunnelWindow},
		{&c.Limits.Replies, d.Limits.Replies},
	} {
		if *p.field == 0 {
			*p.field = p.value
		}
	}
	if c.Log.Format == "" {
		c.Log.Format = d.Log.Format
	}
	if c.Tracing.Exporter == "" {
		c.Tracing.Exporter = d.Tracing.Exporter
	}
	if c.Shutdown.Timeout == 0 {
		c.Shutdown.Timeout = d.Shutdown.Timeout
	}
	if c.Listen == "" {
		c.Listen = c.listen()
	}
	return c
}

// listen picks the address for an empty Listen.
func (c Config) listen() string {
	if c.Discovery.LAN || c.Discovery.lookups() || slices.ContainsFunc(c.Seeds, func(s string) bool { return !onThisHost(s) }) {
		return ":0"
	}
	return "127.0.0.1:0"
}

// onThisHost reports whether addr, host:port, names the loopback interface. A
// name other than localhost may lie anywhere and counts as outside.
func onThisHost(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// clone returns a copy of c that shares no memory with it but the log handler.
func (c Config) clone() Config {
	c.Network.Secret = slices.Clone(c.Network.Secret)
	c.Node.Labels = maps.Clone(c.Node.Labels)
	c.Log.Levels = maps.Clone(c.Log.Levels)
	c.Seeds, c.Discovery.DNS, c.Discovery.Exec = slices.Clone(c.Seeds), slices.Clone(c.Discovery.DNS), slices.Clone(c.Discovery.Exec)
	c.Discovery.Etcd.Endpoints = slices.Clone(c.Discovery.Etcd.Endpoints)
	c.Topics = maps.Clone(c.Topics)
	c.Clusters = maps.Clone(c.Clusters)
	for name, cl := range c.Clusters {
		if cl.Strategy != nil {
			s := *cl.Strategy
			cl.Strategy = &s
			c.Clusters[name] = cl
		}
	}
	return c
}
