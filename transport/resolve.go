package transport

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// resolve turns "host:port" into an address that conn can send to.
func resolve(ctx context.Context, conn net.PacketConn, addr string) (net.Addr, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nil, fmt.Errorf("address %q: port must be 1..65535", addr)
	}
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	bound := addrPort(conn.LocalAddr())
	for _, ip := range ips {
		ip = ip.Unmap()
		if bound.IsValid() && bound.Addr().Is4() && !ip.Is4() {
			continue
		}
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(n))), nil
	}
	return nil, fmt.Errorf("address %q: no address of a family that this node is bound to", addr)
}
