package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"iris/router/pastry"
)

// Publishing is a run in which a topic's trees grow over an overlay and carry
// events while nodes crash.
type Publishing struct {
	Scenario                 // Members subscribe
	Pace       time.Duration // between two that subscribe
	Topics     int           // one after another, each with members of its own
	Reliable   bool          // the topics, else plain
	Publishers int           // two of five are no members, if there are such nodes
	Messages   int           // of each, spread over Duration
	Crash      float64       // part of the nodes that crashes in the instant in which half of that is published
	Unnoticed  time.Duration // nobody notices this crash before
}

// Published is what a Publishing measured.
type Published struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Seeds    int    `json:"seeds"`
	Nodes    int    `json:"nodes"`
	Leaf     int    `json:"leaf"`
	Members  int    `json:"members"`
	Mode     string `json:"mode"` // list or trees
	Reliable bool   `json:"reliable"`
	Shape
	JoinsPerMember float64 `json:"joins_per_member"`
	Tally
	Unrepaired float64 `json:"unrepaired"` // part of what was published in the instant of the crash that arrived before anybody noticed
	WholeAfter float64 `json:"whole_after_s"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	Longest    float64 `json:"max_ms"`
	Detour     float64 `json:"delay_over_direct"` // of all deliveries, publisher to subscriber
	Payloads   float64 `json:"payloads_per_delivery"`
	Quiet      float64 `json:"quiet_msgs_per_node_s"`   // of the trees while nothing happens
	TreeMsgs   float64 `json:"tree_msgs_per_node_s"`    // while events are published
	Control    float64 `json:"control_msgs_per_node_s"` // of trees and overlay meanwhile
	Virtual    float64 `json:"virtual_seconds"`
	Seconds    float64 `json:"seconds"`
	HeapMiB    float64 `json:"heap_mib"`
	Steps      uint64  `json:"steps"`
	Hash       string  `json:"hash"`

	sent     [mailKinds]uint64 // while events were published
	measured float64           // node seconds of that
	hash     uint64
}

// publishing is one Publishing under way.
type publishing struct {
	*run
	p   Publishing
	t   *Topic
	res *Published
}

// Validate says what is wrong with the numbers of p.
func (p Publishing) Validate() error {
	switch {
	case p.Members < 1 || p.Members > p.Nodes:
		return fmt.Errorf("members: %d of %d nodes: want 1 to all", p.Members, p.Nodes)
	case p.Messages < 0 || p.Publishers < 1 || p.Topics < 1:
		return fmt.Errorf("%d messages of %d publishers in %d topics: want 0 or more, 1 or more, 1 or more", p.Messages, p.Publishers, p.Topics)
	case !(p.Crash >= 0 && p.Crash < 1):
		return fmt.Errorf("crash: %v: want a part of the nodes, 0 or more and below 1", p.Crash)
	case p.listed() && p.Session > 0:
		return errChurn
	case p.Pace < 0 || p.Pace > time.Minute:
		return fmt.Errorf("pace: %v: want 0s to 1m", p.Pace)
	case p.Unnoticed < 0 || p.Unnoticed > time.Minute:
		return fmt.Errorf("unnoticed: %v: want 0s to 1m", p.Unnoticed)
	}
	return p.Scenario.Validate()
}

// Run grows the trees, publishes, and lets them vanish again.
func (p Publishing) Run() (*Published, error) {
	r, err := p.begin("publish")
	if err != nil {
		return nil, err
	}
	r.joinAll()
	r.Run(r.now + time.Minute)
	x := &publishing{p: p, run: r, res: &Published{
		Scenario: "publish", Seed: p.Seed, Seeds: 1, Nodes: p.Nodes, Leaf: r.cfg.Leaf, Members: p.Members, Mode: "trees", Reliable: p.Reliable,
	}}
	var delays audit
	for i := 0; i < p.Topics && r.err == nil; i++ {
		delays.merge(x.topic(i))
	}
	return x.end(&delays), r.err
}

// grow lets the members subscribe one after another and measures what came of it.
func (x *publishing) grow() {
	who := slices.Clone(x.ring)
	x.rng.Shuffle(len(who), func(i, j int) { who[i], who[j] = who[j], who[i] })
	joins := x.forest.sent[mailJoin]
	for i, h := range who[:x.Members] {
		x.t.Subscribe(h, true)
		x.Run(x.now + x.p.Pace)
		if i%512 == 0 {
			x.report("subscribe", float64(i)/float64(x.Members))
		}
	}
	if x.untilTrees(x.t, 2*time.Minute) < 0 {
		return
	}
	x.res.JoinsPerMember += float64(x.forest.sent[mailJoin]-joins) / float64(x.Members*x.p.Topics)
	x.Run(x.now + settleTrees)
	shape, err := x.t.Shape()
	if err != nil {
		x.fail("the trees of %d members: %w", x.Members, err)
	}
	x.res.Shape.add(shape)
	x.res.HeapMiB = max(x.res.HeapMiB, live(x.World))
	before, mark := x.forest.control(), x.now
	x.Run(x.now + quietTime)
	x.res.Quiet += float64(x.forest.control()-before) / (x.now - mark).Seconds() / float64(len(x.alive)*x.p.Topics)
}

const (
	settleTrees = 15 * time.Second // after the last join, until all know their paths and bases
	quietTime   = 20 * time.Second // over which idle trees are measured
	settleData  = 45 * time.Second // until everything published is delivered or given up
)

// publishers chooses who publishes.
func (x *publishing) publishers() (who []pastry.Handle) {
	var in, out []pastry.Handle
	for _, h := range x.ring {
		if p := x.t.at(h); p != nil && p.member {
			in = append(in, h)
		} else {
			out = append(out, h)
		}
	}
	take := func(from []pastry.Handle, n int) {
		for _, i := range x.rng.Perm(len(from))[:min(n, len(from))] {
			who = append(who, from[i])
		}
	}
	take(out, x.p.Publishers*2/5)
	take(in, x.p.Publishers-len(who))
	return who
}

// publish lets publishers publish in rounds, and nodes crash meanwhile.
func (x *publishing) publish() {
	if x.err != nil || x.p.Messages == 0 {
		return
	}
	who := x.publishers()
	before := x.now
	x.Net.Loss = x.Loss
	sent, overlay := x.forest.sent, x.overlayControl()
	x.mark, x.seconds = x.now, 0
	gap := x.Duration / time.Duration(x.p.Messages)
	for i := 0; i < x.p.Messages && x.err == nil; i++ {
		for _, h := range who {
			if x.members[h].node != nil {
				x.t.Publish(h)
			}
		}
		if i == x.p.Messages/2 && x.p.Crash > 0 {
			x.strike()
		}
		x.churn(x.now + gap)
		x.report("publish", float64(i)/float64(x.p.Messages))
	}
	x.Net.Loss = 0
	if quiet := max(x.now, x.forest.blind); x.p.Crash > 0 || x.Session > 0 || x.Loss > 0 {
		x.Run(quiet)
		if after := x.untilTrees(x.t, 3*time.Minute); after >= 0 {
			x.res.WholeAfter = max(x.res.WholeAfter, after.Seconds())
		}
	}
	x.Run(x.now + settleData)
	x.exposure()
	for k := range sent {
		x.res.sent[k] += x.forest.sent[k] - sent[k]
	}
	x.res.measured += x.seconds
	x.res.Control += x.overlayControl() - overlay
	y, err := x.t.Tally(before)
	x.res.Tally.add(y)
	if err != nil {
		x.fail("%w", err)
	}
}

// churn runs until end; nodes crash and others take their place if Session is set.
func (x *publishing) churn(end pastry.Time) {
	for x.err == nil {
		next := pastry.Time(math.MaxInt64)
		if x.Session > 0 {
			next = x.now + x.exponential(x.Session/time.Duration(len(x.alive)))
		}
		if next >= end {
			break
		}
		x.Run(next)
		x.replace(x.alive[x.rng.IntN(len(x.alive))])
	}
	x.Run(end)
}

// replace crashes a node and starts another one, which subscribes if the first did.
func (x *publishing) replace(h pastry.Handle) {
	p := x.t.at(h)
	member := p != nil && p.member
	x.exposure()
	x.Crash(h)
	if n := x.Spawn(); member {
		x.t.Subscribe(n, true)
	}
}

// strike crashes nodes at one instant, and measures what of the messages sent in
// this instant arrives before anybody notices.
func (x *publishing) strike() {
	x.forest.blind = x.now + x.p.Unnoticed
	x.crashPart()
	latest := map[*written]int{}
	for _, s := range x.t.audit.order {
		if x.members[s.by].node != nil && s.at[len(s.at)-1] == x.now {
			latest[s] = len(s.at) - 1
		}
	}
	x.Run(x.now + max(x.p.Unnoticed, noticeMin/2))
	got, all := 0, 0
	for _, s := range x.t.audit.order {
		if i, ok := latest[s]; ok {
			got, all = got+int(s.copies[i]), all+x.t.members
		}
	}
	x.res.Unrepaired += float64(got) / float64(max(all, 1)*x.p.Topics)
}

// crashPart crashes the part of the nodes that is to crash.
func (x *publishing) crashPart() {
	x.exposure()
	k := int(math.Round(x.p.Crash * float64(len(x.alive))))
	for range min(k, len(x.alive)-1) {
		x.Crash(x.alive[x.rng.IntN(len(x.alive))])
	}
}

// vanish lets everybody unsubscribe: nothing may be left of the trees.
func (x *publishing) vanish() {
	if x.err != nil {
		return
	}
	for _, h := range slices.Clone(x.alive) {
		if p := x.t.at(h); p != nil && p.member {
			x.t.Subscribe(h, false)
		}
	}
	x.Run(x.now + forget + time.Minute)
	x.t.sweep()
	if x.t.running > 0 {
		x.fail("%d nodes still take part in a topic without subscribers", x.t.running)
	}
}
