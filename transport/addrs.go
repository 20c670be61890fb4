package transport

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// maxAddrs is how many addresses a node announces of itself.
const maxAddrs = 8

// Addrs returns the addresses, "ip:port", at which others may reach this node:
// the bound one, or those of every interface when it is bound to all. Loopback
// comes last, for peers on this host when nothing else is up.
func (e *Endpoint) Addrs() []string {
	bound := addrPort(e.Addr())
	if !bound.IsValid() {
		return []string{e.Addr().String()}
	}
	if !bound.Addr().IsUnspecified() {
		return []string{bound.String()}
	}
	ifaces, err := net.InterfaceAddrs()
	if err != nil {
		return []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(int(bound.Port())))}
	}
	var addrs []netip.AddrPort
	for _, a := range ifaces {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		ip = ip.Unmap()
		if !ok || ip.IsLinkLocalUnicast() || ip.IsMulticast() || bound.Addr().Is4() && !ip.Is4() {
			continue
		}
		addrs = append(addrs, netip.AddrPortFrom(ip, bound.Port()))
	}
	slices.SortStableFunc(addrs, func(a, b netip.AddrPort) int { return rank(a) - rank(b) })
	out := make([]string, 0, maxAddrs)
	for _, a := range addrs[:min(len(addrs), maxAddrs)] {
		out = append(out, a.String())
	}
	return out
}

func rank(a netip.AddrPort) int {
	switch {
	case a.Addr().IsLoopback():
		return 2
	case a.Addr().Is6():
		return 1
	}
	return 0
}

// hostOf returns the host of "host:port".
func hostOf(addr string) (string, bool) {
	host, _, err := net.SplitHostPort(addr)
	return host, err == nil
}
