package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"iris/node/admin/client"
	"iris/node/inspect"
)

const (
	maxNodes  = 64               // whose clocks and versions are compared
	askTime   = 5 * time.Second  // for one answer
	lookTime  = 10 * time.Second // for all of them, and at most half of what there is
	skewWarn  = 2 * time.Second
	skewFail  = time.Minute
	beaconOff = 5 * time.Minute // from where on beacons are dropped
)

// networkSeen is the network as a running node shows it.
type networkSeen struct {
	err   error // of the node that was asked
	self  inspect.Node
	peers []inspect.Peer
	nodes []clockSeen // the node itself first
}

// clockSeen is what one node said of itself, and when.
type clockSeen struct {
	id     string
	node   inspect.Node
	offset time.Duration // of its clock to ours
	error  time.Duration // by which offset may be wrong
	err    error
}

// look asks the node and its peers who they are. It leaves time for the checks
// that wait for it.
func look(ctx context.Context, c *client.Client, now func() time.Time) *networkSeen {
	limit := lookTime
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	n := &networkSeen{}
	first := ask(ctx, c, "", now)
	if first.err != nil {
		n.err = first.err
		return n
	}
	n.self, n.nodes = first.node, []clockSeen{first}
	page, err := client.List[inspect.Peer](ctx, c, "", "peers", nil, 0)
	if err != nil {
		n.err = err
		return n
	}
	n.peers = page.Items
	var work sync.WaitGroup
	slots := make(chan struct{}, 8)
	others := make([]clockSeen, min(maxNodes, len(n.peers)))
	for i := range others {
		work.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			others[i] = ask(ctx, c, n.peers[i].ID, now)
		})
	}
	work.Wait()
	n.nodes = append(n.nodes, others...)
	return n
}

// ask asks a node for its clock. The answer was made between the question and its
// arrival; taking the middle, half of that time is the error.
func ask(ctx context.Context, c *client.Client, node string, now func() time.Time) clockSeen {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	asked := now()
	n, err := c.Node(ctx, node)
	half := now().Sub(asked) / 2
	if err != nil {
		return clockSeen{id: node, err: err}
	}
	return clockSeen{id: n.ID, node: n, offset: n.Now.Sub(asked.Add(half)), error: half}
}

// lost returns the addresses of peers that are down.
func (n *networkSeen) lost() []string {
	if n == nil {
		return nil
	}
	var list []string
	for _, p := range n.peers {
		if p.State == "down" {
			list = append(list, p.Addr)
		}
	}
	return list
}

// nodePID returns the process of the running node if it is of this host, else 0.
func (p *patient) nodePID() int {
	n := p.seen()
	if n == nil || n.self.ID == "" {
		return 0
	}
	if name, err := os.Hostname(); err != nil || name != n.self.Name || !p.isHere(p.Client.Base()) {
		return 0
	}
	return n.self.PID
}

// isHere reports whether an endpoint, scheme://host:port, has an address of this host.
func (p *patient) isHere(base string) bool {
	_, addr, _ := strings.Cut(base, "://")
	h := host(addr)
	return loopback(h) || p.host.Bind("udp", net.JoinHostPort(h, "0")) == nil // only own addresses can be listened on
}

// absent is the finding of a check that needs a running node, nil if there is one.
func (n *networkSeen) absent(check string) []Finding {
	var refused *client.Error
	switch {
	case n == nil:
		return one(Finding{Check: check, Verdict: Skipped, What: "no running node was asked: --admin, or start it with 'iris node'"})
	case errors.As(n.err, &refused):
		return one(Finding{Check: check, Verdict: Skipped, What: "the node does not tell: " + refused.Error()})
	case n.err != nil:
		return one(Finding{Check: check, Verdict: Skipped, What: "no node answers: " + n.err.Error()})
	case len(n.nodes) < 2:
		return one(Finding{Check: check, Verdict: Skipped, What: "the node has no peers to compare with"})
	}
	return nil
}

// checkClocks compares the clocks of the peers with that of the node.
func checkClocks(_ context.Context, p *patient) []Finding {
	network := p.seen()
	if f := network.absent("clock"); f != nil {
		return f
	}
	self := network.nodes[0]
	var list []Finding
	within, good := time.Duration(0), 0
	for _, n := range network.nodes[1:] {
		if n.err != nil {
			list = append(list, Finding{Check: "clock", About: short(n.id), Verdict: Skipped, What: "the peer did not tell: " + n.err.Error()})
			continue
		}
		skew, err := n.offset-self.offset, n.error+self.error
		if skew.Abs() < skewWarn+err {
			good++
			within = max(within, skew.Abs()+err)
			continue
		}
		direction := "ahead of"
		if skew < 0 {
			direction = "behind"
		}
		f := Finding{
			Check: "clock", About: short(n.id), Verdict: Warn,
			What: fmt.Sprintf("the clock of %s (%s) is %v %s that of %s (%s), give or take %v",
				short(n.id), n.node.Name, skew.Abs().Round(time.Second), direction, short(self.id), self.node.Name, err.Round(time.Millisecond)),
			Why:  "times in events and logs of the two nodes do not fit together",
			Mend: []string{"timedatectl set-ntp true   # on the node that is wrong", "chronyc tracking   # there: says whether it follows a server"},
		}
		if skew.Abs() >= skewFail {
			f.Verdict = Fail
		}
		if skew.Abs() >= beaconOff {
			f.Why = "nodes drop beacons whose time is off by 5 minutes, so they may not find each other; and times in events and logs do not fit together"
		}
		list = append(list, f)
	}
	if good > 0 {
		list = append(list, Finding{Check: "clock", Verdict: OK, What: fmt.Sprintf("%s within %v of the node's clock", count(good, "peer"), within.Round(time.Millisecond))})
	}
	return list
}

// checkVersions finds nodes of other versions.
func checkVersions(_ context.Context, p *patient) []Finding {
	network := p.seen()
	if f := network.absent("version"); f != nil {
		return f
	}
	by := map[string][]string{}
	for _, n := range network.nodes {
		if n.err == nil {
			by[n.node.Version] = append(by[n.node.Version], short(n.id))
		}
	}
	if len(by) == 1 {
		return one(Finding{Check: "version", Verdict: OK, What: fmt.Sprintf("all %s that were asked have version %s", count(len(by[network.self.Version]), "node"), network.self.Version)})
	}
	var parts []string
	for v, nodes := range by {
		parts = append(parts, fmt.Sprintf("%s of version %s (%s)", count(len(nodes), "node"), v, list(nodes)))
	}
	slices.Sort(parts)
	return one(Finding{
		Check: "version", Verdict: Warn, What: strings.Join(parts, "; "),
		Why: "fine while the network is being upgraded, not for long", Mend: []string{"iris version   # on each host; then install the same release"},
	})
}

func short(id string) string { return id[:min(8, len(id))] }
