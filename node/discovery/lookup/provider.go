package lookup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"iris/internal/printable"
)

// MaxAddrs is the most addresses that one lookup yields.
const MaxAddrs = 1024

// Provider is somebody to ask for addresses.
type Provider interface {
	// Name says in logs who is asked, such as "dns _iris._udp.example.net". It is
	// constant and holds no secret.
	Name() string

	// Lookup returns addresses, host:port, at most MaxAddrs. Beside an error there
	// may be some that are good all the same. It blocks for as long as ctx allows
	// and is not called by two goroutines at once.
	Lookup(ctx context.Context) ([]string, error)
}

// registrar is a provider that this node is entered in, for others to find.
type registrar interface {
	// register enters the node or keeps it entered, and says when to do so again.
	// Not called together with Lookup.
	register(ctx context.Context) (again pace, err error)
	// withdraw takes it out, after the last call of anything else.
	withdraw(ctx context.Context) error
}

// checkAddr reports what keeps s from being dialled: it is host:port, the host an
// IP address or something like a name. What is quoted of it fits on a line.
func checkAddr(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || len(s) > 255 {
		return fmt.Errorf("%s is not host:port", excerpt(s))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%s has no port from 1 to 65535", excerpt(s))
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.IsUnspecified() || ip.IsMulticast() {
			return fmt.Errorf("%s is no address of one host", excerpt(s))
		}
		return nil
	}
	if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		return fmt.Errorf("%s has no host name", excerpt(s))
	}
	return nil
}

// excerpt quotes the beginning of a text that somebody else wrote.
func excerpt(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.QuoteToASCII(strings.ToValidUTF8(s[:most], "")) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// brief returns the beginning of a text on one line.
func brief(s string) string {
	const most = 200
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= most {
		return printable.Text(s)
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return printable.Text(s[:end]) + "..."
}

// errTooMany is beside the addresses that fitted.
var errTooMany = errors.New("more than 1024 addresses, the rest is ignored")

// bounded cuts a list of addresses.
func bounded(addrs []string) ([]string, error) {
	if len(addrs) > MaxAddrs {
		return addrs[:MaxAddrs], errTooMany
	}
	return addrs, nil
}
