package tree

import (
	"fmt"
	"slices"

	"iris/transport/wire"
)

// valid reports the first broken invariant, numbered as in the comment of Machine.
func (m *Machine) valid() error {
	r := &m.root
	if !r.reign && (len(r.entries) > 0 || len(r.list) > 0 || r.pull != nil || len(r.lookups) > 0) {
		return fmt.Errorf("(1) not root but holds entries, a pull or lookups")
	}
	if r.reign && m.ring.Root != m.cfg.Self {
		return fmt.Errorf("(1) reigns but the root is %v", m.ring.Root)
	}
	size := 0
	for i, e := range r.list {
		size += listBytes(&e)
		if h := r.entries[e.Node]; h == nil || h.Entry != e {
			return fmt.Errorf("(2) %v is listed but not held", e.Node)
		}
		if i > 0 && r.list[i-1].Node.Compare(e.Node) >= 0 {
			return fmt.Errorf("(2) list is not sorted at %d", i)
		}
	}
	if len(r.list) != len(r.entries) || size != r.bytes || size > maxListBytes {
		return fmt.Errorf("(2) %d listed, %d held, %d bytes counted, %d real", len(r.list), len(r.entries), r.bytes, size)
	}
	for n, a := range r.askers {
		if a.acked > r.version.Counter {
			return fmt.Errorf("(3) asker %v acknowledged %d of %d", n, a.acked, r.version.Counter)
		}
	}
	due := r.version.Counter
	if r.dirty {
		due++
	}
	for _, a := range r.acks {
		if a.counter > due {
			return fmt.Errorf("(4) an ack waits for %d, due is %d", a.counter, due)
		}
	}
	if v := m.asker.view; v != nil {
		strict := func(a, b wire.Entry) int { return a.Node.Compare(b.Node) }
		if !slices.IsSortedFunc(v.Entries, strict) {
			return fmt.Errorf("(5) the view is not sorted")
		}
	}
	if !m.member.active() && m.member.sent != 0 {
		return fmt.Errorf("(6) speaks as a member without being one")
	}
	if r.pull == nil && len(r.lookups) > 0 {
		return fmt.Errorf("(7) lookups are held back for nothing")
	}
	if b := &m.member; b.away && (!b.trees || b.local.Members == 0) {
		return fmt.Errorf("(8) away from the list, and not in the trees")
	}
	return nil
}
