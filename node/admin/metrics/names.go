package metrics

import "slices"

const (
	maxNames = 100
	others   = "other"
)

// names chooses whose name is a label: the first that were seen, for good.
type names struct{ chosen map[string]bool }

// learn gives those of list a label that there is room for, in order.
func (n *names) learn(list []string) {
	if n.chosen == nil {
		n.chosen = map[string]bool{}
	}
	if len(n.chosen) >= maxNames {
		return
	}
	for _, name := range slices.Sorted(slices.Values(list)) {
		if len(n.chosen) >= maxNames {
			return
		}
		if name != others {
			n.chosen[name] = true
		}
	}
}

// label is that of a name.
func (n *names) label(name string) string {
	if n.chosen[name] {
		return name
	}
	return others
}
