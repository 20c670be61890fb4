package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// listener is one of the relay's sockets.
type listener struct {
	net.Listener
	guarded bool // clients must show the token
}

// listen opens the sockets of addr. A port alone, and the host localhost, mean
// both loopback interfaces, of which one is enough.
func listen(addr string, token []byte) ([]listener, error) {
	if !strings.Contains(addr, ":") {
		addr = "localhost:" + addr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	if host == "localhost" {
		return listenLoopback(port)
	}
	guarded := !Loopback(addr)
	if guarded && len(token) == 0 {
		return nil, fmt.Errorf("relay: %s can be reached from outside: a token is required", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	return []listener{{l, guarded}}, nil
}

// listenLoopback listens on the same port of both interfaces.
func listenLoopback(port string) ([]listener, error) {
	var list []listener
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
	if err == nil {
		list = append(list, listener{four, false})
		_, port, _ = net.SplitHostPort(four.Addr().String()) // the same if port was 0
	}
	six, err6 := net.Listen("tcp6", net.JoinHostPort("::1", port))
	if err6 == nil {
		list = append(list, listener{six, false})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("relay: %w", errors.Join(err, err6))
	}
	return list, nil
}

// Loopback reports whether addr, as in Config.Listen, can only be reached from
// this host.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return !strings.Contains(addr, ":") // a port alone
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
