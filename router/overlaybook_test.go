package router

import (
	"slices"
	"strconv"
	"testing"

	"iris/internal/id"
	"iris/router/pastry"
	"iris/transport/wire"
)

func TestHandlesTellIncarnationsApart(t *testing.T) {
	b, n := newHandles(), id.Hash("n")
	first := b.know(n, 1, []string{"192.0.2.1:1"}, false)
	second := b.know(n, 2, nil, false)
	if first == second || b.know(n, 1, nil, false) != first || b.find(n, 3) != pastry.None {
		t.Errorf("handles %d and %d", first, second)
	}
	if b.know(id.ID{}, 1, nil, false) != pastry.None {
		t.Error("nobody has a handle")
	}
	if r := b.Ref(second); r.ID != n || r.Incarnation != 2 || len(r.Addrs) != 0 {
		t.Errorf("ref %+v", r)
	}
}

func TestHearsayDoesNotReplaceWhatALinkTells(t *testing.T) {
	b, n := newHandles(), id.Hash("n")
	for _, c := range []struct {
		addrs []string
		own   bool
		want  []string
	}{
		{[]string{"192.0.2.1:1"}, false, []string{"192.0.2.1:1"}},
		{[]string{"192.0.2.2:1"}, false, []string{"192.0.2.2:1"}},
		{[]string{"192.0.2.3:1", "192.0.2.4:1", "127.0.0.1:1"}, true, []string{"192.0.2.3:1", "127.0.0.1:1"}},
		{[]string{"192.0.2.5:1"}, false, []string{"192.0.2.3:1", "127.0.0.1:1"}},
		{[]string{"no address"}, true, []string{"192.0.2.3:1", "127.0.0.1:1"}},
	} {
		h := b.know(n, 1, c.addrs, c.own)
		if got := b.Ref(h).Addrs; !slices.Equal(got, c.want) {
			t.Errorf("after %v: %v, want %v", c.addrs, got, c.want)
		}
	}
	b.far = true
	h := b.Handle(wire.NodeRef{ID: id.Hash("m"), Incarnation: 1, Addrs: []string{"127.0.0.1:7", "192.0.2.6:1"}})
	if got := b.Ref(h).Addrs; !slices.Equal(got, []string{"192.0.2.6:1"}) {
		t.Errorf("loopback of another host was kept: %v", got)
	}
}

func TestHandlesAreBoundedAndFreed(t *testing.T) {
	b := newHandles()
	var all []pastry.Handle
	for i := range maxHandles + 10 {
		if h := b.know(id.Hash(strconv.Itoa(i)), 1, nil, false); h != pastry.None {
			all = append(all, h)
		}
	}
	if len(all) != maxHandles-1 || !b.crowded() {
		t.Errorf("%d handles", len(all))
	}
	b.sweep(all[:100])
	if b.inUse() != 100 || b.crowded() {
		t.Errorf("%d in use after the sweep", b.inUse())
	}
	if b.find(id.Hash("7"), 1) != all[7] || b.find(id.Hash("700"), 1) != pastry.None {
		t.Error("the sweep freed the wrong ones")
	}
	h := b.know(id.Hash("new"), 5, nil, false)
	if h == pastry.None || slices.Contains(all[:100], h) || b.book.ID(h) != id.Hash("new") || b.book.Epoch(h) != 5 {
		t.Errorf("a freed handle is not used again: %d", h)
	}
}

func TestFramesAreMadeToFit(t *testing.T) {
	f := &wire.Overlay{}
	for i := range 512 {
		n := wire.NodeRef{ID: id.Hash(strconv.Itoa(i)), Addrs: []string{
			"[2001:db8:1234:5678:1234:5678:1234:5678]:43211", "[2001:db8:1234:5678:1234:5678:1234:9999]:43211",
		}}
		f.Leaves, f.Refs, f.RTTs = append(f.Leaves, n), append(f.Refs, n), append(f.RTTs, 1)
	}
	shorten(f)
	if f.Size() > wire.MaxControl || len(f.RTTs) != len(f.Refs) || len(f.Leaves) == 0 {
		t.Errorf("%d bytes, %d leaves, %d refs, %d round trips", f.Size(), len(f.Leaves), len(f.Refs), len(f.RTTs))
	}
}
