package node

import (
	"slices"

	"iris/internal/id"
	"iris/node/discovery"
	"iris/node/discovery/lookup"
)

// openDiscovery begins to look for other nodes, and to be found.
func (n *Node) openDiscovery(self id.ID, incarnation uint64, keys [][]byte) error {
	c := n.cfg.Discovery
	providers, err := n.providers(self, keys)
	if err != nil {
		return err
	}
	n.discovery, err = discovery.Start(discovery.Config{
		ID: self, Incarnation: incarnation, Addrs: n.endpoint.Addrs, Keys: keys, Logger: n.part("discovery"),
		Host: c.Host, LAN: c.LAN, Providers: providers, Interval: c.Interval,
		Alone: func() bool { return len(n.router.Routes().Peers()) == 0 },
		Found: func(addr string, peer id.ID) {
			if !peer.IsZero() { // a beacon, which somebody with the key has sent
				n.endpoint.Expect(addr)
			}
			n.router.Candidate(addr, peer)
		},
	})
	return err
}

// providers returns who else is asked for nodes.
func (n *Node) providers(self id.ID, keys [][]byte) ([]lookup.Provider, error) {
	var list []lookup.Provider
	c := n.cfg.Discovery
	for _, name := range slices.Compact(slices.Sorted(slices.Values(c.DNS))) {
		p, err := lookup.NewDNS(name, nil)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	if len(c.Exec) > 0 {
		p, err := lookup.NewExec(c.Exec)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	if c.Etcd.On() {
		password, err := c.Etcd.Password()
		if err != nil {
			return nil, err
		}
		trust, err := c.Etcd.TLS()
		if err != nil {
			return nil, err
		}
		p, err := lookup.NewEtcd(lookup.EtcdConfig{
			Endpoints: c.Etcd.Endpoints, Prefix: c.Etcd.Prefix, TTL: c.Etcd.TTL,
			Username: c.Etcd.Username, Password: func() string { return password }, TLS: trust,
			ID: self, Keys: keys, Addrs: n.endpoint.Addrs,
		})
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}
