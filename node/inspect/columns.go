package inspect

import (
	"maps"
	"slices"

	"iris/actor"
	"iris/internal/best"
	"iris/node/relay"
	"iris/topics"
	"iris/tunnels"
)

// columns are what a list can be sorted by: where one of it stands, but for its key.
type columns[S any] map[string]func(S) best.Place

func number[S any, N int | int64 | uint32 | uint64 | float64](f func(S) N) func(S) best.Place {
	return func(s S) best.Place { return best.Place{Number: int64(f(s))} }
}

func text[S any](f func(S) string) func(S) best.Place {
	return func(s S) best.Place { return best.Place{Text: f(s)} }
}

// The names of columns are those of fields in the reports.
var (
	clusterColumns = columns[*topics.ClusterInfo]{
		"name":       text(func(c *topics.ClusterInfo) string { return c.Name }),
		"local":      number(func(c *topics.ClusterInfo) int { return c.Local }),
		"members":    number(func(c *topics.ClusterInfo) int { return c.Members }),
		"in_flight":  number(func(c *topics.ClusterInfo) int64 { return c.InFlight }),
		"queued":     number(func(c *topics.ClusterInfo) int { return c.Queued }),
		"requests":   number(func(c *topics.ClusterInfo) uint64 { return c.Requests }),
		"failed":     number(func(c *topics.ClusterInfo) uint64 { return c.Failed }),
		"restarts":   number(func(c *topics.ClusterInfo) uint64 { return c.Restarts }),
		"p50_us":     number(func(c *topics.ClusterInfo) int64 { return int64(c.P50) }),
		"p99_us":     number(func(c *topics.ClusterInfo) int64 { return int64(c.P99) }),
		"asked":      number(func(c *topics.ClusterInfo) uint64 { return c.Asked }),
		"ask_p50_us": number(func(c *topics.ClusterInfo) int64 { return int64(c.AskP50) }),
		"ask_p99_us": number(func(c *topics.ClusterInfo) int64 { return int64(c.AskP99) }),
	}
	topicColumns = columns[*topics.TopicInfo]{
		"name":        text(func(x *topics.TopicInfo) string { return x.Name }),
		"mode":        text(func(x *topics.TopicInfo) string { return mode(x) }),
		"subscribers": number(func(x *topics.TopicInfo) int { return x.Subscribers }),
		"depth":       number(func(x *topics.TopicInfo) int { return first(x).Depth }),
		"children":    number(func(x *topics.TopicInfo) int { return len(first(x).Children) }),
		"published":   number(func(x *topics.TopicInfo) uint64 { return x.Published }),
		"delivered":   number(func(x *topics.TopicInfo) uint64 { return x.Delivered }),
		"forwarded":   number(func(x *topics.TopicInfo) uint64 { return x.Forwarded }),
		"gaps":        number(func(x *topics.TopicInfo) uint64 { return x.Gaps }),
		"missed":      number(func(x *topics.TopicInfo) uint64 { return x.Missed }),
	}
	tunnelColumns = columns[*tunnels.Info]{
		"id":             text(func(t *tunnels.Info) string { return t.ID }),
		"cluster":        text(func(t *tunnels.Info) string { return t.Cluster }),
		"peer":           text(func(t *tunnels.Info) string { return name(t.Peer) }),
		"opened":         number(func(t *tunnels.Info) int { return map[bool]int{true: 1}[t.Opened] }),
		"since":          number(func(t *tunnels.Info) int64 { return t.Since.UnixNano() }),
		"sent_bytes":     number(func(t *tunnels.Info) uint64 { return t.Sent }),
		"received_bytes": number(func(t *tunnels.Info) uint64 { return t.Received }),
		"send_rate":      number(func(t *tunnels.Info) float64 { return t.SendRate }),
		"recv_rate":      number(func(t *tunnels.Info) float64 { return t.RecvRate }),
		"credit_bytes":   number(func(t *tunnels.Info) uint64 { return t.Credit }),
		"unread_bytes":   number(func(t *tunnels.Info) int { return t.Unread }),
		"stalled_us":     number(func(t *tunnels.Info) int64 { return int64(t.Stalled) }),
	}
	peerColumns = columns[*known]{
		"id":     text(func(p *known) string { return p.ID.String() }),
		"name":   text(func(p *known) string { return p.Name }),
		"addr":   text(func(p *known) string { return p.Addr }),
		"zone":   text(func(p *known) string { return p.Zone }),
		"since":  number(func(p *known) int64 { return p.Since.UnixNano() }),
		"rtt_us": number(func(p *known) int64 { return int64(p.RTT) }),
	}
	relayColumns = columns[*relay.ClientInfo]{
		"client":       number(func(c *relay.ClientInfo) uint64 { return c.Client }),
		"addr":         text(func(c *relay.ClientInfo) string { return c.Addr }),
		"cluster":      text(func(c *relay.ClientInfo) string { return c.Cluster }),
		"since":        number(func(c *relay.ClientInfo) int64 { return c.Since.UnixNano() }),
		"topics":       number(func(c *relay.ClientInfo) int { return c.Topics }),
		"tunnels":      number(func(c *relay.ClientInfo) int { return c.Tunnels }),
		"asked":        number(func(c *relay.ClientInfo) int { return c.Asked }),
		"queued_bytes": number(func(c *relay.ClientInfo) int { return c.Queued }),
	}
	actorColumns = map[string]actor.ActorColumn{
		"path": actor.ByID, "actors": actor.ByActors, "queued": actor.ByQueued, "queued_bytes": actor.ByBytes, "oldest_us": actor.ByOldest,
		"handled": actor.ByHandled, "busy_us": actor.ByBusy, "failures": actor.ByFailures, "restarts": actor.ByRestarts,
	}
)

// Columns are what the report of a list can be sorted by; none if it cannot.
func Columns(what string) []string {
	switch what {
	case "clusters":
		return slices.Sorted(maps.Keys(clusterColumns))
	case "topics":
		return slices.Sorted(maps.Keys(topicColumns))
	case "tunnels":
		return slices.Sorted(maps.Keys(tunnelColumns))
	case "peers":
		return slices.Sorted(maps.Keys(peerColumns))
	case "relay":
		return slices.Sorted(maps.Keys(relayColumns))
	case "actors":
		return slices.Sorted(maps.Keys(actorColumns))
	}
	return nil
}
