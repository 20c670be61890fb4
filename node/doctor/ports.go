package doctor

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"iris/node/config"
)

// listener is an address that a node would listen on.
type listener struct {
	key, network, addr string
	optional           bool // the node starts without it
}

// listeners returns those of a configuration, as the command iris node has them.
func listeners(c config.Config) []listener {
	list := []listener{{"listen", "udp", c.Listen, false}}
	if port := c.Tunnels.Port(); port >= 0 {
		list = append(list, listener{"tunnels.listen", "udp", net.JoinHostPort(host(c.Listen), strconv.Itoa(port)), false})
	}
	add := func(key, value, usual string) {
		optional := value == ""
		if optional {
			value = usual
		}
		switch {
		case value == config.EndpointOff:
		case strings.Contains(value, ":"):
			list = append(list, listener{key, "tcp", value, optional})
		default: // a port of both loopback interfaces
			list = append(list, listener{key, "tcp", net.JoinHostPort("127.0.0.1", value), optional})
		}
	}
	add("relay.listen", c.Relay.Listen, config.RelayPort)
	add("admin.listen", c.Admin.Listen, config.AdminPort)
	return list
}

// checkPorts tries to listen where a node would.
func checkPorts(_ context.Context, p *patient) []Finding {
	if p.blind {
		return notLooked("port")
	}
	var list []Finding
	for _, l := range listeners(p.config) {
		if port(l.addr) == "0" {
			list = append(list, Finding{Check: "port", About: l.key, Verdict: OK, What: "the system chooses a free port"})
			continue
		}
		f := Finding{Check: "port", About: fmt.Sprintf("%s %s/%s", l.key, l.addr, l.network), Verdict: OK, What: "the port is free"}
		if err := p.host.Bind(l.network, l.addr); err != nil {
			p.taken(&f, l, err)
		}
		list = append(list, f)
	}
	return list
}

// taken says who has the port of l, if that is why it cannot be bound.
func (p *patient) taken(f *Finding, l listener, err error) {
	f.Verdict, f.Why = Fail, "the node does not start"
	if l.optional {
		f.Verdict, f.Why = Warn, "nobody asked for "+l.key+", so a node starts without it"
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		f.What = "it cannot be listened on: " + err.Error()
		f.Mend = []string{"ip addr   # does this host have the address?"}
		return
	}
	f.What = "the port is in use"
	f.Mend = []string{
		fmt.Sprintf("ss -lnp --%s 'sport = :%s'   # as root says who has it", l.network, port(l.addr)),
		p.set(l.key, " to another port"),
	}
	pid, name := p.host.holder(l.network, port(l.addr))
	switch {
	case pid == 0 && slices.ContainsFunc(p.nodeAddrs(l.network), func(a string) bool { return meets(a, l.addr) }):
		f.Verdict, f.Why, f.Mend = OK, "", nil
		f.What = "the node that is running says that it has the port"
	case pid == 0:
		f.What += "; who has it only root may see"
	case pid == p.nodePID():
		f.Verdict, f.Why, f.Mend = OK, "", nil
		f.What = fmt.Sprintf("the node that is running has it (process %d)", pid)
	default:
		f.What = fmt.Sprintf("process %d (%s) has the port", pid, name)
		f.Mend[0] = fmt.Sprintf("ps -fp %d   # says what it is; if it is not wanted: kill %d", pid, pid)
	}
}

// nodeAddrs are those at which the running node, if it is of this host, says that
// it listens.
func (p *patient) nodeAddrs(network string) []string {
	switch {
	case p.nodePID() == 0:
		return nil
	case network == "udp":
		return []string{p.seen().self.Addr, p.seen().self.TunnelAddr}
	}
	_, admin, _ := strings.Cut(p.Client.Base(), "://")
	return append([]string{admin}, p.seen().self.RelayAddrs...)
}

// meets reports whether two addresses cannot both be listened on.
func meets(a, b string) bool {
	return port(a) == port(b) && (anywhere(host(a)) || anywhere(host(b)) || host(a) == host(b) || loopback(host(a)) && loopback(host(b)))
}

// anywhere reports whether a host means all addresses of this one.
func anywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// holder finds the process that has a socket on the port, 0 if it cannot be seen.
func (h *Host) holder(network, port string) (pid int, name string) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0, ""
	}
	var sockets []string // "socket:[inode]"
	for _, table := range []string{network, network + "6"} {
		data, err := fs.ReadFile(h.Files, "proc/net/"+table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if inode, ok := bound(line, uint16(n), network); ok {
				sockets = append(sockets, "socket:["+inode+"]")
			}
		}
	}
	if len(sockets) == 0 {
		return 0, ""
	}
	fds, _ := fs.Glob(h.Files, "proc/[0-9]*/fd/*") // without those that may not be seen
	for _, fd := range fds {
		to, err := fs.ReadLink(h.Files, fd)
		if err != nil || !slices.Contains(sockets, to) {
			continue
		}
		dir := strings.Split(fd, "/")[1]
		pid, _ := strconv.Atoi(dir) // digits, by the pattern
		comm, _ := fs.ReadFile(h.Files, "proc/"+dir+"/comm")
		return pid, strings.TrimSpace(string(comm))
	}
	return 0, ""
}

// bound reads a line of /proc/net/udp or tcp: whether a socket listens on the port.
func bound(line string, port uint16, network string) (inode string, ok bool) {
	const listening = "0A" // of TCP
	f := strings.Fields(line)
	if len(f) < 10 || network == "tcp" && f[3] != listening {
		return "", false
	}
	_, text, found := strings.Cut(f[1], ":")
	b, err := hex.DecodeString(text)
	return f[9], found && err == nil && len(b) == 2 && uint16(b[0])<<8|uint16(b[1]) == port && f[9] != "0"
}

func host(addr string) string {
	h, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return h
}

func port(addr string) string {
	if a, err := netip.ParseAddrPort(addr); err == nil {
		return strconv.Itoa(int(a.Port()))
	}
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return p
}
