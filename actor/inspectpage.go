package actor

import "iris/internal/best"

// actorPage picks a page out of a census, reading it from its beginning to its end.
type actorPage struct {
	best.Order
	by    ActorOrder
	limit int

	list  []ActorInfo
	next  string // empty at the end
	total int
}

// standing is an actor at its place.
type standing struct {
	f  *figures
	at best.Place
}

// pick returns a selection of the first after the page before, one more than are shown.
func (p *actorPage) pick() *best.Of[standing] {
	return best.New(p.limit+1, func(a, b standing) bool { return p.Before(a.at, b.at) })
}

func (p *actorPage) offer(to *best.Of[standing], f *figures, figure int64) {
	p.total++
	if at := p.by.By.place(f, figure); p.Wants(at) {
		to.Offer(standing{f, at})
	}
}

// take describes those chosen, each alone.
func (p *actorPage) take(chosen []standing) []standing {
	if len(chosen) > p.limit {
		chosen = chosen[:p.limit]
		if len(chosen) > 0 {
			p.next = chosen[len(chosen)-1].at.String()
		}
	}
	for _, x := range chosen {
		p.list = append(p.list, x.f.c.info())
	}
	return chosen
}

// deep lists all below top.
func (p *actorPage) deep(all []figures, top *cell) {
	first := p.pick()
	var last *cell // most have the parent of the one before
	inside := false
	for i := range all {
		f := &all[i]
		if f.parent != last {
			last, inside = f.parent, f.parent == top || f.parent != nil && f.parent.below(top)
		}
		if inside {
			p.offer(first, f, p.by.By.of(f))
		}
	}
	p.take(first.Sorted())
}

// level lists the children of top, with what is below them.
func (p *actorPage) level(all []figures, top *cell, past map[string]work) {
	first, sums := p.pick(), p.sums(all, top)
	for i := range all {
		f := &all[i]
		if f.parent != top {
			continue
		}
		figure := p.by.By.of(f)
		if sum := sums[f.c]; sum != nil {
			figure = p.by.By.with(figure, *sum)
		}
		p.offer(first, f, figure+p.by.By.ended(past[f.id]))
	}
	chosen := p.take(first.Sorted())
	index := make(map[*cell]*ActorInfo, len(chosen))
	for i, x := range chosen {
		w := past[x.f.id]
		p.list[i].Handled += w.handled
		p.list[i].Busy += w.busy
		index[x.f.c] = &p.list[i]
	}
	descend(all, top, func(child *cell) *ActorInfo { return index[child] }, func(f *figures, i *ActorInfo) { i.add(f, f.parent.parent == top) })
}

// sums are the figures of what is below each child, of those that have children.
func (p *actorPage) sums(all []figures, top *cell) map[*cell]*int64 {
	if p.by.By == ByID {
		return nil
	}
	sums := make(map[*cell]*int64)
	sum := func(child *cell) *int64 {
		if child != nil && sums[child] == nil {
			sums[child] = new(int64)
		}
		return sums[child]
	}
	descend(all, top, sum, func(f *figures, to *int64) { *to = p.by.By.with(*to, p.by.By.of(f)) })
	return sums
}

// descend calls add with every actor below a child of top, and what of returns for that child; nil leaves them out.
func descend[T any](all []figures, top *cell, of func(child *cell) *T, add func(*figures, *T)) {
	var last *cell // most have the parent of the one before
	var to *T
	for i := range all {
		f := &all[i]
		if f.parent == top {
			continue
		}
		if f.parent != last {
			last = f.parent
			child := last
			for child != nil && child.parent != top {
				child = child.parent
			}
			to = of(child)
		}
		if to != nil {
			add(f, to)
		}
	}
}
