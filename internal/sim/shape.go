package sim

import (
	"fmt"
	"time"

	"iris/internal/id"
	"iris/router/pastry"
	"iris/topics/scribe"
)

// Shape is how the trees of a topic look, over all stripes.
type Shape struct {
	Trees     int     `json:"trees"`
	Children  int     `json:"children_max"`
	DepthMean float64 `json:"depth_mean"` // of the members
	DepthMax  int     `json:"depth_max"`
	RAD       float64 `json:"rad"`       // mean delay from the root along the tree, over the mean direct one
	RMD       float64 `json:"rmd"`       // the longest one over the longest direct one
	Strangers float64 `json:"strangers"` // nodes of a tree that are no members
	Shared    float64 `json:"shared"`    // part of the interior nodes that are interior in another stripe too
}

// add takes the mean over several topics.
func (s *Shape) add(x Shape) {
	a, b := float64(s.Trees), float64(x.Trees)
	mean := func(p *float64, v float64) { *p = (*p*a + v*b) / max(a+b, 1) }
	mean(&s.DepthMean, x.DepthMean)
	mean(&s.RAD, x.RAD)
	mean(&s.RMD, x.RMD)
	mean(&s.Strangers, x.Strangers)
	mean(&s.Shared, x.Shared)
	s.Trees += x.Trees
	s.Children, s.DepthMax = max(s.Children, x.Children), max(s.DepthMax, x.DepthMax)
}

// walker walks a tree from its root.
type walker struct {
	t      *Topic
	stripe int
	root   pastry.Handle
	trees  map[pastry.Handle]scribe.Tree
}

// cap is the most children that a node may have, as scribe.Config has it.
const childCap = 16

// walk returns the tree of a stripe, or what is wrong with it.
func (t *Topic) walk(stripe int) (*walker, error) {
	k := &walker{t: t, stripe: stripe, trees: map[pastry.Handle]scribe.Tree{}}
	w := t.f.w
	if len(w.ring) == 0 {
		return k, fmt.Errorf("no overlay")
	}
	k.root = w.root(t.keys[stripe])
	for _, p := range t.parts {
		if p == nil {
			continue
		}
		tree := p.trees[stripe].Tree()
		k.trees[p.h] = tree
		if tree.Root && p.h != k.root {
			return k, fmt.Errorf("%v takes itself for the root", w.book.ID(p.h).Short())
		}
	}
	if r, ok := k.trees[k.root]; t.members > 0 && (!ok || !r.Root) {
		return k, fmt.Errorf("%v does not know that it is the root", w.book.ID(k.root).Short())
	}
	return k, nil
}

// check holds a tree that nothing moves in to what must be true: it has no loops,
// every member is in it and the root counts them all; who forwards does it for
// somebody, has no more children than it may, and they all know it as the parent.
func (k *walker) check() error {
	w := k.t.f.w
	for _, p := range k.t.parts {
		if p == nil {
			continue
		}
		tree := k.trees[p.h]
		self := w.book.ID(p.h)
		if len(tree.Children) > childCap {
			return fmt.Errorf("%v has %d children", self.Short(), len(tree.Children))
		}
		for _, c := range tree.Children {
			if x := k.handle(c); x == pastry.None || k.trees[x].Parent != self {
				return fmt.Errorf("%v has the child %v, which is none", self.Short(), c.Short())
			}
		}
		if p.h != k.root && !p.member && len(tree.Children) == 0 && !tree.Parent.IsZero() {
			return fmt.Errorf("%v forwards for nobody", self.Short())
		}
		if p.h == k.root || !p.member && len(tree.Children) == 0 {
			continue
		}
		if err := k.climb(p.h); err != nil {
			return err
		}
	}
	if n := k.trees[k.root].Members; int(n) != k.t.members {
		return fmt.Errorf("the root counts %d of %d members", n, k.t.members)
	}
	return nil
}

// climb goes from a node to the root.
func (k *walker) climb(h pastry.Handle) error {
	w := k.t.f.w
	path, self := k.trees[h].Path, w.book.ID(h)
	hops := 0
	for at := h; at != k.root; hops++ {
		parent := k.trees[at].Parent
		up := k.handle(parent)
		if up == pastry.None || hops >= len(path) || path[hops] != parent {
			return fmt.Errorf("%v does not reach the root %v: %d hops, at %v, whose parent is %v; its path is %v", self.Short(), w.book.ID(k.root).Short(), hops, w.book.ID(at).Short(), parent.Short(), path)
		}
		at = up
	}
	if hops != len(path) || !k.trees[h].Rooted {
		return fmt.Errorf("%v is %d deep, its path is %d long", self.Short(), hops, len(path))
	}
	return nil
}

// handle returns the running node with an id that takes part, None if there is none.
func (k *walker) handle(n id.ID) pastry.Handle {
	h := k.t.f.latest[n]
	if k.t.at(h) == nil {
		return pastry.None
	}
	return h
}

// Whole reports what is wrong with the trees of the topic, nil if nothing is.
func (t *Topic) Whole() error {
	for i := range t.keys {
		k, err := t.walk(i)
		if err == nil {
			err = k.check()
		}
		if err != nil {
			return fmt.Errorf("stripe %d: %w", i, err)
		}
	}
	return nil
}

// Shape measures trees that are whole.
func (t *Topic) Shape() (s Shape, err error) {
	interior := map[pastry.Handle]int{}
	for i := range t.keys {
		k, err := t.walk(i)
		if err == nil {
			err = k.check()
		}
		if err != nil {
			return s, err
		}
		one, inner := k.measure()
		s.add(one)
		for _, h := range inner {
			interior[h]++
		}
	}
	both, all := 0, 0
	for _, n := range interior {
		all += n
		if n > 1 {
			both += n
		}
	}
	s.Shared = float64(both) / float64(max(all, 1))
	return s, nil
}

// measure walks the tree from the root; inner are the nodes with children.
func (k *walker) measure() (s Shape, inner []pastry.Handle) {
	type visit struct {
		h     pastry.Handle
		depth int
		delay time.Duration
	}
	w := k.t.f.w
	var tree, direct, worstTree, worstDirect time.Duration
	members := 0
	for queue := []visit{{h: k.root}}; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		children := k.trees[v.h].Children
		if p := k.t.at(v.h); p != nil && p.member {
			members++
			s.DepthMean += float64(v.depth)
			s.DepthMax = max(s.DepthMax, v.depth)
			d := w.Net.delay(w, k.root, v.h)
			if v.h == k.root {
				d = 0
			}
			tree, direct = tree+v.delay, direct+d
			worstTree, worstDirect = max(worstTree, v.delay), max(worstDirect, d)
		} else {
			s.Strangers++
		}
		if len(children) > 0 {
			inner = append(inner, v.h)
		}
		s.Children = max(s.Children, len(children))
		for _, c := range children {
			h := k.handle(c)
			queue = append(queue, visit{h, v.depth + 1, v.delay + w.Net.delay(w, v.h, h)})
		}
	}
	s.Trees = 1
	s.DepthMean /= float64(max(members, 1))
	s.RAD = float64(tree) / float64(max(direct, 1))
	s.RMD = float64(worstTree) / float64(max(worstDirect, 1))
	return s, inner
}
