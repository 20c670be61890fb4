package config

import (
	"maps"
	"slices"
	"strings"
)

// named is a section whose entries have names that the user chooses, such as
// clusters: each entry is a section with the same keys.
type named struct {
	section string // "clusters"
	noun    string // what an entry is called
	names   func(*Config) []string
	open    func(*Config, string) (t *target, store func()) // a copy of an entry, and what puts it back
}

// namedSections returns all of them.
func namedSections() []named {
	return []named{
		{
			section: "clusters", noun: "cluster",
			names: func(c *Config) []string { return slices.Sorted(maps.Keys(c.Clusters)) },
			open: func(c *Config, name string) (*target, func()) {
				e := c.Clusters[name]
				return &target{config: c, cluster: &e}, func() { put(&c.Clusters, name, e) }
			},
		},
		{
			section: "topics", noun: "topic",
			names: func(c *Config) []string { return slices.Sorted(maps.Keys(c.Topics)) },
			open: func(c *Config, name string) (*target, func()) {
				e := c.Topics[name]
				return &target{config: c, topic: &e}, func() { put(&c.Topics, name, e) }
			},
		},
	}
}

// put stores an entry, making the map at the first one.
func put[E any](m *map[string]E, name string, e E) {
	if *m == nil {
		*m = map[string]E{}
	}
	(*m)[name] = e
}

// pattern is the path of an entry in the paths of keys: "clusters.*".
func (n *named) pattern() string { return n.section + ".*" }

// has reports whether the key is one of an entry.
func (n *named) has(k *key) bool { return strings.HasPrefix(k.path, n.pattern()+".") }

// holder returns the section of named entries that the key belongs to, or nil.
func (s *schema) holder(k *key) *named {
	for i := range s.named {
		if s.named[i].has(k) {
			return &s.named[i]
		}
	}
	return nil
}

// section returns the section of named entries at a path, or nil.
func (s *schema) section(path string) *named {
	for i := range s.named {
		if s.named[i].section == path {
			return &s.named[i]
		}
	}
	return nil
}

// concrete puts the name of an entry in the place of the * of a key's path.
func concrete(path, name string) string {
	return strings.Replace(path, "*", name, 1)
}

// walk calls visit for every key and where its value is: once for a plain key,
// for the key of a named section once per entry, entry by entry. Keys of a
// strategy that a cluster does not have are left out.
func (s *schema) walk(c *Config, visit func(k *key, t *target, path string)) {
	done := map[*named]bool{}
	for i := range s.keys {
		k := &s.keys[i]
		n := s.holder(k)
		if n == nil {
			visit(k, &target{config: c}, k.path)
			continue
		}
		if done[n] {
			continue
		}
		done[n] = true
		for _, name := range n.names(c) {
			t, _ := n.open(c, name)
			for i := range s.keys {
				k := &s.keys[i]
				if n.has(k) && !t.lacks(k) {
					visit(k, t, concrete(k.path, name))
				}
			}
		}
	}
}
