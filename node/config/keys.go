package config

import (
	"math"
	"strings"
	"time"
)

// kind is the form a value takes in the file and the environment.
type kind uint8

const (
	name     kind = iota // *string: 1..255 bytes, printable
	path                 // *string: file, relative to the config file
	secret               // *Secret: never shown
	address              // *string: host:port to listen on
	seeds                // *[]string: host:port to reach
	services             // *[]string: names to resolve
	command              // *[]string: a program and its arguments
	urls                 // *[]string
	prefix               // *string: of the keys in etcd
	labels               // *map[string]string
	flag                 // *bool
	count                // *int
	size                 // *int: bytes
	duration             // *time.Duration
	level                // *slog.Level
	choice               // *string: one of key.choices
	endpoint             // *string: off, a port, or host:port to listen on
	udpPort              // *string: off or a port
	levels               // *map[string]string: subsystem and level
)

// String names the kind for people, as in "must be ...".
func (k kind) String() string {
	switch k {
	case path:
		return "the path of a file"
	case address, seeds:
		return "host:port"
	case services:
		return "_service._protocol.domain or host:port"
	case command:
		return "text"
	case urls:
		return "URLs"
	case flag:
		return "true or false"
	case count:
		return "a whole number"
	case size:
		return "a size such as 4MiB"
	case duration:
		return "a duration such as 10s"
	case labels:
		return "names with values"
	case levels:
		return "subsystems with levels"
	case endpoint:
		return "a port, host:port or off"
	case udpPort:
		return "a port or off"
	}
	return "text"
}

// key is one setting: its place in the file, its form, its range, its field.
// Everything that treats all settings alike (file, environment, checking,
// showing) walks the table below, so a new setting is one more line there.
type key struct {
	path     string // dotted; * stands for the name of a cluster or topic
	kind     kind
	min, max int64 // bounds of count, size and duration
	off      bool  // zero is allowed beside the range: not at all
	even     bool  // odd numbers are refused
	choices  []string
	field    func(*target) any // pointer to the field, of the type that kind names
	fixed    bool              // zero is a value like any other, not "take the default"
	port     string            // of an endpoint, where others look for it
}

// target is what a key's field function points into: the configuration and, for
// the keys of clusters and topics, one of them.
type target struct {
	config  *Config
	cluster *Cluster
	topic   *Topic
}

// strategy returns the cluster's strategy, made from the defaults at first use.
func (t *target) strategy() *Strategy {
	if t.cluster.Strategy == nil {
		s := DefaultStrategy()
		t.cluster.Strategy = &s
	}
	return t.cluster.Strategy
}

// lacks reports whether k belongs to a strategy that the cluster does not have.
func (t *target) lacks(k *key) bool {
	return strings.HasPrefix(k.path, strategyPrefix) && t.cluster.Strategy == nil
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30

	clusterPrefix  = "clusters.*."
	strategyPrefix = "clusters.*.strategy."
	topicPrefix    = "topics.*."
)

// keys returns the table of settings, in the order in which they are shown.
func keys() []key {
	ms := func(d time.Duration) int64 { return int64(d) }
	return []key{
		{path: "network.name", kind: name, field: func(t *target) any { return &t.config.Network.Name }},
		{path: "network.key", kind: path, field: func(t *target) any { return &t.config.Network.Key }},
		{path: "network.secret", kind: secret, field: func(t *target) any { return &t.config.Network.Secret }},
		{path: "node.zone", kind: name, field: func(t *target) any { return &t.config.Node.Zone }},
		{path: "node.labels", kind: labels, field: func(t *target) any { return &t.config.Node.Labels }},
		{path: "listen", kind: address, field: func(t *target) any { return &t.config.Listen }},
		{path: "busy_poll", kind: duration, min: ms(10 * time.Microsecond), max: ms(10 * time.Millisecond), off: true, fixed: true, field: func(t *target) any { return &t.config.BusyPoll }},
		{path: "seeds", kind: seeds, field: func(t *target) any { return &t.config.Seeds }},
		{path: "discovery.host", kind: flag, field: func(t *target) any { return &t.config.Discovery.Host }},
		{path: "discovery.lan", kind: flag, field: func(t *target) any { return &t.config.Discovery.LAN }},
		{path: "discovery.dns", kind: services, field: func(t *target) any { return &t.config.Discovery.DNS }},
		{path: "discovery.exec", kind: command, field: func(t *target) any { return &t.config.Discovery.Exec }},
		{path: "discovery.etcd.endpoints", kind: urls, field: func(t *target) any { return &t.config.Discovery.Etcd.Endpoints }},
		{path: "discovery.etcd.prefix", kind: prefix, field: func(t *target) any { return &t.config.Discovery.Etcd.Prefix }},
		{path: "discovery.etcd.ttl", kind: duration, min: ms(5 * time.Second), max: ms(time.Hour), field: func(t *target) any { return &t.config.Discovery.Etcd.TTL }},
		{path: "discovery.etcd.username", kind: name, field: func(t *target) any { return &t.config.Discovery.Etcd.Username }},
		{path: "discovery.etcd.password_file", kind: path, field: func(t *target) any { return &t.config.Discovery.Etcd.PasswordFile }},
		{path: "discovery.etcd.tls_ca", kind: path, field: func(t *target) any { return &t.config.Discovery.Etcd.TLSCA }},
		{path: "discovery.etcd.tls_cert", kind: path, field: func(t *target) any { return &t.config.Discovery.Etcd.TLSCert }},
		{path: "discovery.etcd.tls_key", kind: path, field: func(t *target) any { return &t.config.Discovery.Etcd.TLSKey }},
		{path: "discovery.interval", kind: duration, min: ms(time.Second), max: ms(time.Hour), field: func(t *target) any { return &t.config.Discovery.Interval }},
		{path: "overlay.mesh_max", kind: count, min: 4, max: 256, field: func(t *target) any { return &t.config.Overlay.MeshMax }},
		{path: "overlay.leaf_set", kind: count, min: 4, max: 128, even: true, field: func(t *target) any { return &t.config.Overlay.LeafSet }},
		{path: "limits.memory", kind: size, min: 64 * mib, max: min(1024*gib, math.MaxInt), field: func(t *target) any { return &t.config.Limits.Memory }},
		{path: "limits.frame", kind: size, min: 64 * kib, max: mib, field: func(t *target) any { return &t.config.Limits.Frame }},
		{path: "limits.message", kind: size, min: 64 * kib, max: gib, field: func(t *target) any { return &t.config.Limits.Message }},
		{path: "limits.lane", kind: size, min: 64 * kib, max: gib, field: func(t *target) any { return &t.config.Limits.Lane }},
		{path: "limits.mailbox", kind: count, min: 1, max: 10_000_000, field: func(t *target) any { return &t.config.Limits.Mailbox }},
		{path: "limits.mailbox_bytes", kind: size, min: 64 * kib, max: gib, field: func(t *target) any { return &t.config.Limits.MailboxBytes }},
		{path: "limits.peers", kind: count, min: 1, max: 1024, field: func(t *target) any { return &t.config.Limits.Peers }},
		{path: "limits.half_open", kind: count, min: 1, max: 65_536, field: func(t *target) any { return &t.config.Limits.HalfOpen }},
		{path: "limits.tunnels", kind: count, min: 1, max: 65_536, field: func(t *target) any { return &t.config.Limits.Tunnels }},
		{path: "limits.tunnel_window", kind: size, min: 64 * kib, max: gib, field: func(t *target) any { return &t.config.Limits.TunnelWindow }},
		{path: "limits.replies", kind: count, min: 1, max: 1 << 24, field: func(t *target) any { return &t.config.Limits.Replies }},
		{path: clusterPrefix + "members", kind: count, min: 1, max: 65_536, field: func(t *target) any { return &t.cluster.Members }},
		{path: clusterPrefix + "mailbox", kind: count, min: 1, max: 10_000_000, field: func(t *target) any { return &t.cluster.Mailbox }},
		{path: strategyPrefix + "max_restarts", kind: count, min: 0, max: 1_000_000, fixed: true, field: func(t *target) any { return &t.strategy().MaxRestarts }},
		{path: strategyPrefix + "window", kind: duration, min: ms(time.Second), max: ms(24 * time.Hour), fixed: true, field: func(t *target) any { return &t.strategy().Window }},
		{path: strategyPrefix + "backoff_min", kind: duration, min: ms(time.Millisecond), max: ms(time.Hour), fixed: true, field: func(t *target) any { return &t.strategy().BackoffMin }},
		{path: strategyPrefix + "backoff_max", kind: duration, min: ms(time.Millisecond), max: ms(time.Hour), fixed: true, field: func(t *target) any { return &t.strategy().BackoffMax }},
		{path: strategyPrefix + "exhausted", kind: choice, choices: []string{ExhaustedStop, ExhaustedEscalate}, fixed: true, field: func(t *target) any { return &t.strategy().Exhausted }},
		{path: topicPrefix + "reliable", kind: flag, field: func(t *target) any { return &t.topic.Reliable }},
		{path: "tunnels.listen", kind: udpPort, field: func(t *target) any { return &t.config.Tunnels.Listen }},
		{path: "relay.listen", kind: endpoint, port: RelayPort, field: func(t *target) any { return &t.config.Relay.Listen }},
		{path: "relay.token_file", kind: path, field: func(t *target) any { return &t.config.Relay.TokenFile }},
		{path: "admin.listen", kind: endpoint, port: AdminPort, field: func(t *target) any { return &t.config.Admin.Listen }},
		{path: "admin.token_file", kind: path, field: func(t *target) any { return &t.config.Admin.TokenFile }},
		{path: "admin.tls_cert", kind: path, field: func(t *target) any { return &t.config.Admin.TLSCert }},
		{path: "admin.tls_key", kind: path, field: func(t *target) any { return &t.config.Admin.TLSKey }},
		{path: "admin.pprof", kind: flag, field: func(t *target) any { return &t.config.Admin.PProf }},
		{path: "log.level", kind: level, field: func(t *target) any { return &t.config.Log.Level }},
		{path: "log.levels", kind: levels, field: func(t *target) any { return &t.config.Log.Levels }},
		{path: "log.format", kind: choice, choices: []string{FormatText, FormatJSON}, field: func(t *target) any { return &t.config.Log.Format }},
		{path: "tracing.exporter", kind: choice, choices: []string{ExporterNone, ExporterOTLP}, field: func(t *target) any { return &t.config.Tracing.Exporter }},
		{path: "shutdown.timeout", kind: duration, min: ms(100 * time.Millisecond), max: ms(time.Hour), field: func(t *target) any { return &t.config.Shutdown.Timeout }},
	}
}

// schema is the table indexed as a tree.
type schema struct {
	keys     []key
	named    []named
	byPath   map[string]*key     // leaves
	sections map[string][]string // path of a section -> names directly in it; "" = top
}

func newSchema() *schema {
	s := &schema{keys: keys(), named: namedSections(), byPath: map[string]*key{}, sections: map[string][]string{}}
	seen := map[string]bool{}
	for i := range s.keys {
		k := &s.keys[i]
		s.byPath[k.path] = k
		parent := ""
		for _, part := range strings.Split(k.path, ".") {
			full := join(parent, part)
			if !seen[full] {
				seen[full] = true
				s.sections[parent] = append(s.sections[parent], part)
			}
			parent = full
		}
	}
	return s
}

// join appends part to a dotted path.
func join(parent, part string) string {
	if parent == "" {
		return part
	}
	return parent + "." + part
}
