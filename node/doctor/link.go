package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

const (
	leastMTU = 1280 // what QUIC needs, with headers: 1200 bytes of payload and IPv6
	fullMTU  = 1500 // what packets of full size need: 1452 bytes of payload and IPv6
)

// checkMTU looks at the interfaces that are up.
func checkMTU(_ context.Context, p *patient) []Finding {
	all, err := p.host.Interfaces()
	if err != nil {
		return one(Finding{Check: "mtu", Verdict: Skipped, What: err.Error()})
	}
	var list []Finding
	for _, ifi := range all {
		if ifi.Flags&net.FlagUp == 0 || ifi.Flags&net.FlagLoopback != 0 {
			continue
		}
		f := Finding{Check: "mtu", About: ifi.Name, Verdict: OK, What: fmt.Sprintf("packets have up to %d bytes", ifi.MTU)}
		switch {
		case ifi.MTU < leastMTU:
			f.Verdict, f.Why = Fail, fmt.Sprintf("QUIC needs %d: no link comes up by this interface", leastMTU)
			f.Mend = []string{fmt.Sprintf("ip link set dev %s mtu %d", ifi.Name, fullMTU)}
		case ifi.MTU < fullMTU:
			f.What += ", links use smaller ones than elsewhere: nothing to mend if this is a tunnel or an overlay"
		}
		list = append(list, f)
	}
	if len(list) == 0 {
		return one(Finding{Check: "mtu", Verdict: Skipped, What: "no interface but loopback is up"})
	}
	return list
}

// checkReach sends probes to this host itself, by each way of discovery.
func checkReach(ctx context.Context, p *patient) []Finding {
	d := p.config.Discovery
	const check = "discovery"
	if p.blind {
		return notLooked(check)
	}
	ways, err := p.host.Reach(ctx, p.key.beacon)
	if err != nil && ctx.Err() != nil {
		return one(outOfTime(check, ""))
	}
	if err != nil {
		f := Finding{Check: check, Verdict: Warn, What: "beacons cannot be heard: " + err.Error(), Why: "nodes find each other by seeds only", Mend: []string{p.set("seeds", "")}}
		if !d.Host && !d.LAN {
			f.Verdict = Skipped
		}
		return one(f)
	}
	hostWorks := false
	for _, w := range ways {
		hostWorks = hostWorks || !w.LAN && w.Err == nil
	}
	var list []Finding
	lan := false
	for _, w := range ways {
		lan = lan || w.LAN
		way := "broadcast"
		if w.Multicast {
			way = "multicast"
		}
		f := Finding{Check: way, About: w.Interface, Verdict: OK, What: "a " + way + " on " + w.Interface + " comes back to this host"}
		switch {
		case w.Err != nil && ctx.Err() != nil:
			f = outOfTime(way, w.Interface)
		case w.Err != nil:
			f.What = fmt.Sprintf("a %s on %s does not come back to this host: %v", way, w.Interface, w.Err)
			f.Verdict, f.Why = blocked(w.LAN, d.Host, d.LAN, hostWorks)
			f.Mend = allow(w.Interface, w.Multicast)
		}
		list = append(list, f)
	}
	if !lan {
		f := Finding{Check: "multicast", Verdict: Skipped, What: "no interface but loopback is up and can do IPv4 multicast", Why: "discovery.lan needs one; seeds do not"}
		if d.LAN {
			f.Verdict, f.Why = Fail, "discovery.lan is on and finds nobody"
			f.Mend = []string{"ip link   # which interfaces are up, and say MULTICAST?", "ip link set dev INTERFACE up multicast on", p.set("seeds", "")}
		}
		list = append(list, f)
	}
	return list
}

// blocked judges a way that does not work.
func blocked(lan, hostWanted, lanWanted, hostWorks bool) (Verdict, string) {
	switch {
	case lan && lanWanted:
		return Fail, "discovery.lan is on and finds nobody by this interface: set seeds, or let multicast through"
	case lan:
		return Warn, "discovery.lan, which is off, would find nobody by this interface; seeds work"
	case !hostWanted:
		return Skipped, "discovery.host is off"
	case hostWorks:
		return Warn, "nodes of this host find each other by the other way"
	}
	return Fail, "nodes of this host do not find each other without seeds"
}

// allow are commands that show and open what blocks a way.
func allow(ifname string, multicast bool) []string {
	to := "127.255.255.255"
	if multicast {
		to = "239.255.0.0/16"
	}
	return []string{
		"nft list ruleset   # look for what drops " + to,
		fmt.Sprintf("iptables -I INPUT -i %s -d %s -p udp --dport 23000:24999 -j ACCEPT   # where iptables drops it", ifname, to),
		fmt.Sprintf("iptables -I OUTPUT -o %s -d %s -p udp --dport 23000:24999 -j ACCEPT", ifname, to),
	}
}

// checkIPv6 tells whether the host has IPv6, which matters if an address needs it.
func checkIPv6(_ context.Context, p *patient) []Finding {
	f := Finding{Check: "ipv6", Verdict: OK, What: "there is IPv6"}
	err := p.host.Bind("udp", "[::1]:0")
	if err == nil {
		return one(f)
	}
	f.What = "there is no IPv6: " + err.Error()
	if p.blind {
		return notLooked("ipv6")
	}
	wants := func(addr string) bool {
		host, _, err := net.SplitHostPort(addr)
		ip, perr := netip.ParseAddr(host)
		return err == nil && perr == nil && !ip.Unmap().Is4()
	}
	if i := slices.IndexFunc(append([]string{p.config.Listen}, p.config.Seeds...), wants); i < 0 {
		f.What += "; nothing in the configuration needs it"
		return one(f)
	}
	f.Verdict, f.Why = Fail, "the configuration names IPv6 addresses"
	f.Mend = []string{"sysctl -w net.ipv6.conf.all.disable_ipv6=0"}
	if strings.Contains(err.Error(), "family not supported") {
		f.Mend = []string{"the kernel was started without IPv6 (ipv6.disable=1): take that away, or name IPv4 addresses"}
	}
	return one(f)
}
