package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"iris/transport"
)

const maxKnocks = 16 // at once

// checkSeeds asks the seeds, the peers that a running node has lost and the
// addresses of the command line who is there, as a node would.
func checkSeeds(ctx context.Context, p *patient) []Finding {
	addrs := map[string]string{} // what each is
	for _, a := range p.Addrs {
		addrs[a] = "address"
	}
	for _, a := range p.seen().lost() {
		addrs[a] = "peer that is down"
	}
	for _, a := range p.config.Seeds {
		addrs[a] = "seed"
	}
	list := slices.Sorted(maps.Keys(addrs))
	switch {
	case p.blind:
		return notLooked("seed")
	case len(list) == 0:
		return one(Finding{Check: "seed", Verdict: Skipped, What: "there are no seeds, and no addresses were given"})
	case p.key.ident == nil:
		return one(Finding{Check: "seed", Verdict: Skipped, What: "nobody was asked: " + p.key.why})
	}
	found := make([][]Finding, len(list))
	slots := make(chan struct{}, maxKnocks)
	var work sync.WaitGroup
	for i, addr := range list {
		work.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			answer, err := p.host.Knock(ctx, p.key.ident, addr)
			if found[i] = one(outOfTime("seed", addr)); err == nil || ctx.Err() == nil {
				found[i] = p.whoIsThere(addrs[addr], addr, answer, err)
			}
		})
	}
	work.Wait()
	return slices.Concat(found...)
}

// whoIsThere judges the answer of an address.
func (p *patient) whoIsThere(what, addr string, answer transport.Answer, err error) []Finding {
	f := Finding{Check: "seed", About: addr, Verdict: Fail, Why: "this node does not get into the network by it"}
	if what != "seed" {
		f.Verdict = Warn
	}
	switch {
	case err == nil:
		f.Verdict, f.Why = OK, ""
		f.What = fmt.Sprintf("%s: node %s of this network answers, %v away", what, answer.Node.Short(), answer.RTT.Round(10*time.Microsecond))
		switch {
		case !answer.Small:
			return one(f)
		case answer.Here:
			f.What += ", by packets of 1200 bytes: an interface of this host takes none of full size, see mtu"
			return one(f)
		}
		return []Finding{f, {
			Check: "path-mtu", About: addr, Verdict: Warn, What: "packets of full size (1452 bytes of UDP) do not arrive there, those of 1200 do",
			Why:  "a path that drops them without a word makes links stall until they have found a smaller size",
			Mend: []string{"tracepath -n " + host(addr) + "   # says where", "ip link set dev INTERFACE mtu 1280   # at this end"},
		}}
	case errors.Is(err, transport.ErrForeign):
		f.Verdict = Fail
		f.What = what + ": a node answers, but with another network name or key: wrong key or network here, or there"
		f.Mend = []string{
			p.showConfig() + "   # network.name: the same on both nodes?",
			p.sameKey(),
		}
	case errors.Is(err, transport.ErrShut):
		f.What = what + ": its host says that nothing listens on this port"
		f.Mend = []string{"iris status   # there: is a node running, and on which address?"}
	case errors.Is(err, transport.ErrSilent):
		f.What = what + ": no answer: nobody is there, or UDP does not pass"
		f.Mend = []string{"ping " + host(addr), "nft list ruleset   # there: must let UDP through to port " + port(addr)}
	default:
		f.What = what + ": " + err.Error()
	}
	return one(f)
}
