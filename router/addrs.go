package router

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// reachable drops loopback addresses that came from another host: there they
// mean that host, here they would mean this one.
func reachable(addrs []string, sameHost bool) []string {
	return slices.DeleteFunc(slices.Clone(addrs), func(a string) bool {
		p, err := netip.ParseAddrPort(a)
		return !sameHost && err == nil && p.Addr().Unmap().IsLoopback()
	})
}

// usable drops what cannot be dialled; remote input comes through here.
func usable(addrs []string) []string {
	out := make([]string, 0, min(len(addrs), maxAddrs))
	for _, a := range addrs {
		host, port, err := net.SplitHostPort(a)
		n, err2 := strconv.ParseUint(port, 10, 16)
		if err != nil || err2 != nil || n == 0 || host == "" || len(a) > 255 || slices.Contains(out, a) {
			continue
		}
		if out = append(out, a); len(out) == maxAddrs {
			break
		}
	}
	return out
}

// samePlace reports whether a seed may be what resolved to addr: equal, or a
// host name with the same port. The transport resolves names out of our sight.
func samePlace(seed, addr string) bool {
	if seed == addr {
		return true
	}
	host, port, err := net.SplitHostPort(seed)
	_, p, err2 := net.SplitHostPort(addr)
	return err == nil && err2 == nil && port == p && net.ParseIP(host) == nil
}
