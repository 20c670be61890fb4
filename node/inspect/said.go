package inspect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"iris/internal/id"
)

// Bounds of what other nodes answer. A full page of 1000 items fits, as do 1000 links.
const (
	maxReport = 4 << 20   // bytes
	maxFew    = 128 << 10 // of what is gathered from many: brief, nexthop; and of what a command returns
	maxText   = 256       // of a text in a Brief
)

var (
	nodeStates = []string{"joining", "ready", "draining", "stopping"}
	linkStates = []string{"alive", "suspect"}
)

// said checks what another node answered to q before anybody reads it.
func said(q Query, data []byte) error {
	limit := maxReport
	if q.What == "brief" || q.What == "nexthop" || commands[q.What] != nil {
		limit = maxFew
	}
	switch {
	case len(data) > limit:
		return fmt.Errorf("it answered %d bytes, at most %d are read: ask for fewer", len(data), limit)
	case !json.Valid(data):
		return fmt.Errorf("its %d bytes are no report", len(data))
	}
	return nil
}

// plain leaves of what a node says about itself what can be true of a node, with so many
// links at most. It shares no memory with b.
func (b Brief) plain(node string, links int) Brief {
	out := Brief{
		ID: node, Name: short(b.Name), Zone: short(b.Zone), Addr: short(b.Addr), State: oneOf(nodeStates, b.State), Clusters: max(b.Clusters, 0),
		Topics: max(b.Topics, 0), Tunnels: max(b.Tunnels, 0), Actors: max(b.Actors, 0), Dropped: b.Dropped, Failures: b.Failures,
	}
	for _, e := range b.Links {
		if len(out.Links) == links {
			break
		}
		if peer, err := id.Parse(e.Peer); err == nil {
			out.Links = append(out.Links, Edge{Peer: peer.String(), RTT: max(e.RTT, 0), State: oneOf(linkStates, e.State)})
		}
	}
	return out
}

// short is the beginning of a text, as a copy: the text may be a part of a large answer.
func short(text string) string { return strings.Clone(cut(text, maxText)) }

func oneOf(known []string, state string) string {
	if at := slices.Index(known, state); at >= 0 {
		return known[at]
	}
	return "unknown"
}
