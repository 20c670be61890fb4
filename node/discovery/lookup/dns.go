package lookup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
)

const (
	maxTargets = 64 // names of one SRV answer that are resolved
	atOnce     = 8  // of them
)

// DNS asks for the addresses behind a name, anew each time.
type DNS struct {
	host     string // of A and AAAA records, or the name of SRV records
	port     string // empty: SRV
	resolver *net.Resolver
}

// NewDNS returns a provider for name: SRV records if it begins with an
// underscore, such as _iris._udp.example.net, else A and AAAA records of
// host:port. A nil resolver is the host's.
func NewDNS(name string, resolver *net.Resolver) (*DNS, error) {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	if strings.HasPrefix(name, "_") {
		return &DNS{host: name, resolver: resolver}, nil
	}
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		return nil, fmt.Errorf("dns name %s: %w", excerpt(name), err)
	}
	return &DNS{host: host, port: port, resolver: resolver}, nil
}

// Name returns "dns " and the name asked for.
func (d *DNS) Name() string {
	if d.port == "" {
		return "dns " + d.host
	}
	return "dns " + net.JoinHostPort(d.host, d.port)
}

// Lookup resolves the name. Of an SRV answer with many targets it resolves 64 at
// random.
func (d *DNS) Lookup(ctx context.Context) ([]string, error) {
	if d.port != "" {
		addrs, err := d.resolve(ctx, d.host, d.port)
		if err != nil {
			return nil, err
		}
		return bounded(addrs)
	}
	_, targets, err := d.resolver.LookupSRV(ctx, "", "", d.host)
	if len(targets) == 0 && err != nil {
		return nil, err // beside targets, err says that some have no proper name
	}
	rand.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
	return d.targets(ctx, targets[:min(len(targets), maxTargets)])
}

// targets resolves the names of an SRV answer, some at once. It fails only when
// none can be resolved.
func (d *DNS) targets(ctx context.Context, targets []*net.SRV) ([]string, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		addrs []string // guarded by mu
		errs  []error  // guarded by mu
	)
	slots := make(chan struct{}, atOnce)
	for _, t := range targets {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			found, err := d.resolve(ctx, strings.TrimSuffix(t.Target, "."), strconv.Itoa(int(t.Port)))
			mu.Lock()
			defer mu.Unlock()
			addrs = append(addrs, found...)
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	if len(addrs) == 0 {
		return nil, errors.Join(errs...)
	}
	return bounded(addrs)
}

// resolve returns the addresses of a host, with the port. What cannot be dialled
// is left out.
func (d *DNS) resolve(ctx context.Context, host, port string) ([]string, error) {
	ips, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nil, fmt.Errorf("%s has no port from 1 to 65535", excerpt(host))
	}
	addrs := make([]string, 0, len(ips))
	for _, ip := range ips {
		a := netip.AddrPortFrom(ip.Unmap(), uint16(n)).String()
		if checkAddr(a) == nil {
			addrs = append(addrs, a)
		}
	}
	return addrs, nil
}
