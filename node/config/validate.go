package config

import (
	"maps"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
)

// Validate reports every problem of c as an [Errors], or nil. It changes
// nothing, opens no file and takes zero values for the defaults they stand for.
func Validate(c Config) error {
	var problems Errors
	s := newSchema()
	s.walk(&c, func(k *key, t *target, path string) {
		dst := k.field(t)
		if !k.fixed && reflect.ValueOf(dst).Elem().IsZero() {
			return
		}
		if err := k.check(dst); err != nil {
			problems = append(problems, problemOf("", quoted(path), err))
		}
	})
	for _, n := range s.named {
		for _, name := range n.names(&c) {
			if err := checkName(name); err != nil {
				problems = append(problems, problemOf("", n.section, bad("", "%s name %s", n.noun, err)))
			}
		}
	}
	for _, rel := range relations(c) {
		problems = append(problems, problemOf("", quoted(rel.keys[0]), rel.err))
	}
	return problems.asError()
}

// relation is a conflict between values: reported at the first key, and only if
// none of the keys has a problem of its own.
type relation struct {
	keys []string
	err  error
}

// relations returns the conflicts between values of c.
func relations(c Config) []relation {
	var found []relation
	add := func(err error, keys ...string) { found = append(found, relation{keys, err}) }

	if c.Network.Key != "" && len(c.Network.Secret) > 0 {
		add(bad("keep one of them", "excludes network.key"), "network.secret", "network.key")
	}
	d := c.WithDefaults()
	if d.Limits.Lane < d.Limits.Frame {
		add(bad("", "%s is less than one frame, limits.frame is %s", formatSize(d.Limits.Lane), formatSize(d.Limits.Frame)), "limits.lane", "limits.frame")
	}
	if d.Limits.Message < d.Limits.Frame {
		add(bad("", "%s is less than one frame, limits.frame is %s", formatSize(d.Limits.Message), formatSize(d.Limits.Frame)), "limits.message", "limits.frame")
	}
	if d.Limits.Memory < d.Limits.Message {
		add(bad("", "%s is less than one message, limits.message is %s", formatSize(d.Limits.Memory), formatSize(d.Limits.Message)), "limits.memory", "limits.message")
	}
	if d.Limits.Peers < d.Overlay.MeshMax {
		add(bad("allow more, or lower overlay.mesh_max", "%d links do not make a mesh of overlay.mesh_max nodes, %d", d.Limits.Peers, d.Overlay.MeshMax),
			"limits.peers", "overlay.mesh_max")
	}
	if d.Limits.Peers < 2*d.Overlay.LeafSet {
		add(bad("allow twice as many, or lower overlay.leaf_set", "%d links leave too little beside the neighbours on the ring, overlay.leaf_set is %d", d.Limits.Peers, d.Overlay.LeafSet),
			"limits.peers", "overlay.leaf_set")
	}
	if c.Listen != "" && onThisHost(c.Listen) {
		const hint = "listen on an outside address such as 0.0.0.0:4000, or leave listen out"
		if c.Discovery.LAN {
			add(bad(hint, "%s cannot be reached from the network that discovery.lan searches", c.Listen), "listen", "discovery.lan")
		} else if i := slices.IndexFunc(c.Seeds, outside); i >= 0 {
			add(bad(hint, "from %s the seed %s cannot be reached", c.Listen, c.Seeds[i]), "listen", "seeds")
		}
	}
	if _, text, err := net.SplitHostPort(c.Listen); err == nil && c.Tunnels.Port() > 0 {
		if port, err := strconv.Atoi(text); err == nil && port == c.Tunnels.Port() {
			add(bad("write another port, or off", "%d is the port of listen", port), "tunnels.listen", "listen")
		}
	}
	if c.Relay.On() && c.Relay.TokenFile == "" && !LocalOnly(c.Relay.Listen) {
		add(bad("name a file with a token in relay.token_file, or listen on 127.0.0.1",
			"%s can be reached from outside without a token", c.Relay.Listen), "relay.listen", "relay.token_file")
	}
	adminRelations(c.Admin, add)
	discoveryRelations(c.Discovery, add)
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		if s := c.Clusters[name].Strategy; s != nil && s.BackoffMin > s.BackoffMax {
			add(bad("", "%s is less than backoff_min, %s", formatDuration(s.BackoffMax), formatDuration(s.BackoffMin)),
				concrete(strategyPrefix+"backoff_max", name), concrete(strategyPrefix+"backoff_min", name))
		}
	}
	return found
}

// outside reports whether addr is certainly not on this host: an IP address
// other than loopback.
func outside(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && !ip.Unmap().IsLoopback()
}
