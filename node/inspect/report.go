package inspect

import "time"

// In every report times are RFC 3339, durations are whole microseconds in fields
// that end in _us, sizes are bytes, counters count since the node started, and
// nodes are their ids of 32 hexadecimal digits. Fields may be added, none is renamed.

// Node describes one node and sums up what it does.
type Node struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"` // of its host
	Network     string            `json:"network"`
	Addr        string            `json:"addr"`
	Zone        string            `json:"zone,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Version     string            `json:"version"`
	GoVersion   string            `json:"go_version"`
	PID         int               `json:"pid"` // of the process
	Started     time.Time         `json:"started"`
	Now         time.Time         `json:"now"` // the node's clock when it answered
	Incarnation uint64            `json:"incarnation"`
	State       string            `json:"state"` // joining, ready, draining, stopping
	Form        string            `json:"form"`  // mesh, structured
	Peers       int               `json:"peers"`
	Suspects    int               `json:"suspects"`
	Clusters    int               `json:"clusters"` // with a member here
	Topics      int               `json:"topics"`   // with a subscriber here, or that pass through
	Tunnels     int               `json:"tunnels"`
	Actors      int               `json:"actors"`
	Relay       int               `json:"relay_clients"`
	TunnelAddr  string            `json:"tunnel_addr,omitempty"` // that of tunnels, if it is one of its own
	RelayAddrs  []string          `json:"relay_addrs,omitempty"` // where programs attach
	Sent        uint64            `json:"sent"`                  // messages actors and programs of this node sent
	Delivered   uint64            `json:"delivered"`             // messages handed to actors here
	Dropped     uint64            `json:"dropped"`               // all dead letters
	Failures    uint64            `json:"failures"`              // handlers that panicked
	Restarts    uint64            `json:"restarts"`
	HeapBytes   uint64            `json:"heap_bytes"`
	MemoryLimit int64             `json:"memory_limit_bytes"`
	Goroutines  int               `json:"goroutines"`
}

// Peer is a node that this one is linked with, or has just lost.
type Peer struct {
	ID          string            `json:"id"`
	Name        string            `json:"name,omitempty"`
	Addr        string            `json:"addr"`
	Zone        string            `json:"zone,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Version     string            `json:"version,omitempty"`
	Incarnation uint64            `json:"incarnation"`
	State       string            `json:"state"`            // alive, suspect, down
	Reason      string            `json:"reason,omitempty"` // why it is down
	Since       time.Time         `json:"since"`
	RTT         int64             `json:"rtt_us"`
	Lost        uint64            `json:"packets_lost"`
	Packets     uint64            `json:"packets_sent"`
	SentBytes   uint64            `json:"sent_bytes"`
	RecvBytes   uint64            `json:"received_bytes"`
	TunnelAddr  string            `json:"tunnel_addr,omitempty"` // where its tunnels with this node end, if there is a connection for them
	TunnelApart bool              `json:"tunnel_apart"`          // they share no port with messages
	Lanes       []Lane            `json:"lanes,omitempty"`
}

// Lane is the queue of one class of messages to one peer.
type Lane struct {
	Name      string `json:"name"` // control, direct, fanout, transit, bulk
	Queued    int    `json:"queued_bytes"`
	Limit     int    `json:"limit_bytes"`
	Sent      uint64 `json:"sent"` // frames
	SentBytes uint64 `json:"sent_bytes"`
	Refused   uint64 `json:"refused"` // for which there was no room
	Stalled   int64  `json:"stalled_us"`
}

// Ring is how one node sees the overlay.
type Ring struct {
	Self   string   `json:"self"`
	Form   string   `json:"form"`
	Size   int      `json:"size"` // nodes: counted in a mesh, estimated from the leaf set else
	Leaves []string `json:"leaves"`
	Table  []Row    `json:"table,omitempty"` // only in a structured network
}

// Row is one row of a routing table: nodes that share Prefix digits with this
// one's id and differ in the next, by that digit.
type Row struct {
	Prefix int        `json:"prefix"`
	Nodes  [16]string `json:"nodes"` // empty where none is known
}

// Page is a part of a long list, in the order of the names or as asked for.
type Page[T any] struct {
	Items []T    `json:"items"`
	Total int    `json:"total"`
	Next  string `json:"next,omitempty"` // what to pass as after for the rest; empty at the end
}

// Cluster is a cluster that this node serves or asks.
type Cluster struct {
	Name     string   `json:"name"`
	Local    int      `json:"local"`   // members here
	Members  int      `json:"members"` // everywhere, as far as this node knows
	Nodes    []Member `json:"nodes,omitempty"`
	Root     string   `json:"root,omitempty"` // where its members register
	InFlight int64    `json:"in_flight"`      // requests under way at members here
	Queued   int      `json:"queued"`         // messages in their mailboxes
	Requests uint64   `json:"requests"`       // answered here
	Failed   uint64   `json:"failed"`
	Restarts uint64   `json:"restarts"`
	P50      int64    `json:"p50_us"` // of recent requests here, queueing included
	P99      int64    `json:"p99_us"`
	Asked    uint64   `json:"asked"` // requests this node sent to the cluster
	AskP50   int64    `json:"ask_p50_us"`
	AskP99   int64    `json:"ask_p99_us"`
}

// Member is a node that serves a cluster, as seen by one that asks.
type Member struct {
	Node     string  `json:"node"`
	Members  int     `json:"members"`
	Zone     string  `json:"zone,omitempty"`
	Load     float64 `json:"load"`      // requests in flight there to a member, of this node or as reported in the last second: 0 idle to 1 full
	InFlight int     `json:"in_flight"` // requests of this node to it
	Latency  int64   `json:"latency_us"`
	Draining bool    `json:"draining,omitempty"`
}

// Topic is a topic that has a subscriber here, or whose events pass through.
type Topic struct {
	Name        string   `json:"name"`
	Mode        string   `json:"mode"` // list, tree
	Reliable    bool     `json:"reliable,omitempty"`
	Subscribers int      `json:"subscribers"` // here
	Root        string   `json:"root,omitempty"`
	Parent      string   `json:"parent,omitempty"` // where events come from; empty at the root and in list mode
	Children    []string `json:"children,omitempty"`
	Depth       int      `json:"depth"` // hops to the root
	Published   uint64   `json:"published"`
	Delivered   uint64   `json:"delivered"` // to subscribers here
	Forwarded   uint64   `json:"forwarded"` // to other nodes
	Gaps        uint64   `json:"gaps"`
	Missed      uint64   `json:"missed"` // events in those gaps
	Trees       []Tree   `json:"trees,omitempty"`
}

// Tree is the place of a node in one tree of a topic. Parent, Children and Depth of
// the Topic are those of the first.
type Tree struct {
	Reliable bool     `json:"reliable,omitempty"` // one of those for reliable subscribers
	Stripe   int      `json:"stripe"`
	Root     string   `json:"root,omitempty"`
	Parent   string   `json:"parent,omitempty"`
	Children []string `json:"children"`
	Depth    int      `json:"depth"`
}

// Tunnel is one end of a tunnel.
type Tunnel struct {
	ID       string    `json:"id"`
	Cluster  string    `json:"cluster,omitempty"`
	Peer     string    `json:"peer"`
	Opened   bool      `json:"opened"` // by this end
	Since    time.Time `json:"since"`
	Sent     uint64    `json:"sent_bytes"`
	Received uint64    `json:"received_bytes"`
	SendRate float64   `json:"send_rate"` // bytes per second of late
	RecvRate float64   `json:"recv_rate"`
	Credit   int64     `json:"credit_bytes"` // that this end may still send
	Unread   int64     `json:"unread_bytes"` // received, not taken by the program
	Stalled  int64     `json:"stalled_us"`   // for how long there has been no credit
}

// Actor is an actor, or, where there are too many to list, the sum of its
// descendants.
type Actor struct {
	Path      string `json:"path"` // iris/clusters/orders/3
	Cluster   string `json:"cluster,omitempty"`
	Type      string `json:"type,omitempty"` // of the Go value that handles
	State     string `json:"state"`          // running, waiting (for its back-off), stopping
	Children  int    `json:"children"`
	Actors    int    `json:"actors"` // in its subtree, itself included
	Queued    int    `json:"queued"` // messages
	Bytes     int    `json:"queued_bytes"`
	Limit     int    `json:"limit"`
	Oldest    int64  `json:"oldest_us"` // for how long the mailbox has not been empty
	Handled   uint64 `json:"handled"`   // messages; of a list of what is directly below iris, also by actors that have ended
	Busy      int64  `json:"busy_us"`   // time spent in Receive, by the same actors
	Failures  uint64 `json:"failures"`
	Restarts  int    `json:"restarts"`
	LastError string `json:"last_error,omitempty"`
}

// DeadLetters is one reason why messages were given up.
type DeadLetters struct {
	Reason  string   `json:"reason"`
	Count   uint64   `json:"count"`
	Samples []Letter `json:"samples,omitempty"` // the latest
}

// Letter is one message that was given up, or several of the same kind.
type Letter struct {
	Time   time.Time `json:"time"`
	Target string    `json:"target"`
	Type   string    `json:"type"`
	Sender string    `json:"sender,omitempty"`
	Count  uint64    `json:"count"`
}

// RelayClient is a program attached to this node's relay.
type RelayClient struct {
	Client  uint64    `json:"client"`
	Addr    string    `json:"addr"`
	Cluster string    `json:"cluster,omitempty"`
	Since   time.Time `json:"since"`
	Topics  int       `json:"topics"`
	Tunnels int       `json:"tunnels"`
	Asked   int       `json:"asked"` // requests of it under way
	Queued  int       `json:"queued_bytes"`
}

// Trace is the way a message takes from one node to a cluster or topic.
type Trace struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // cluster, topic
	From string `json:"from"`
	Hops []Hop  `json:"hops"`
	// Error says why hops are missing, empty if none is.
	Error string `json:"error,omitempty"`
}

// Hop is one step of a way.
type Hop struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Why   string `json:"why"`      // route, member list, parent, child, member
	Depth int    `json:"depth"`    // steps from the beginning; a tree branches
	Delay int64  `json:"delay_us"` // half the round trip as From measures it
}

// Network is every node that this one knows, each as it describes itself.
type Network struct {
	Nodes []Brief `json:"nodes"` // in the order of the ring
}

// Brief is one node in few words. Of a node that did not answer only ID, Error
// and what others know are filled in.
type Brief struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	Zone     string `json:"zone,omitempty"`
	Addr     string `json:"addr,omitempty"`
	State    string `json:"state"` // as Node.State, or suspect, down, unknown
	Clusters int    `json:"clusters"`
	Topics   int    `json:"topics"`
	Tunnels  int    `json:"tunnels"`
	Actors   int    `json:"actors"`
	Dropped  uint64 `json:"dropped"`
	Failures uint64 `json:"failures"`
	Links    []Edge `json:"links,omitempty"`
	Error    string `json:"error,omitempty"`
	Age      int64  `json:"age_us"` // of this answer
}

// Edge is a link as one end measures it.
type Edge struct {
	Peer  string `json:"peer"`
	RTT   int64  `json:"rtt_us"`
	State string `json:"state"`
}
