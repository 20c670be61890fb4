package relay

import (
	"cmp"
	"slices"
	"time"
)

// ClientInfo is what is known of an attached program at one moment.
type ClientInfo struct {
	Client  uint64 // its number, from 1 in the order of arrival
	Addr    string // of its end of the connection
	Cluster string // that it serves, empty if none
	Since   time.Time
	Topics  int // that it is subscribed to
	Tunnels int // that are open
	Asked   int // requests of it that have no result
	Queued  int // bytes that wait to be sent to it
}

// Clients describes the programs that are attached, in the order of their numbers.
// It does not block. The slice belongs to the caller; each of its elements is of one
// moment, not all of the same.
func (r *Relay) Clients() []ClientInfo {
	r.mu.Lock()
	list := make([]*client, 0, len(r.clients))
	for _, c := range r.clients {
		list = append(list, c)
	}
	r.mu.Unlock()
	infos := make([]ClientInfo, len(list))
	for i, c := range list {
		infos[i] = c.info()
	}
	slices.SortFunc(infos, func(a, b ClientInfo) int { return cmp.Compare(a.Client, b.Client) })
	return infos
}

func (c *client) info() ClientInfo {
	_, topics := c.topics.has("")
	return ClientInfo{
		Client: c.number, Addr: c.addr, Cluster: c.cluster, Since: c.since,
		Topics: topics, Tunnels: c.pipes.count(), Asked: c.asks.count(), Queued: c.out.waiting(),
	}
}
