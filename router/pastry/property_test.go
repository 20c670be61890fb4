package pastry

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"iris/internal/id"
)

// The leaf set agrees with the obvious one: sort everybody by distance, keep the
// nearest of both sides.
func TestLeafSetAgreesWithSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Leaf: 4 + 2*rapid.IntRange(0, 4).Draw(t, "leaf"), MeshMax: -1}.Defaults()
		book := NewBook()
		n := New(&cfg, book, book.Add(anyID(t), 1), 1)
		var set, all []Handle
		for range rapid.IntRange(0, 40).Draw(t, "nodes") {
			h := book.Add(anyID(t), 1)
			if slices.ContainsFunc(all, func(o Handle) bool { return book.ID(o) == book.ID(h) }) || book.ID(h) == n.id {
				continue
			}
			all = append(all, h)
			if n.fits(set, h) {
				set, _ = n.with(set, h)
			}
		}
		slices.SortFunc(all, func(a, b Handle) int {
			return clockwise(n.id, book.ID(a)).Compare(clockwise(n.id, book.ID(b)))
		})
		k := slices.IndexFunc(all, func(h Handle) bool { return behind(clockwise(n.id, book.ID(h))) })
		if k < 0 {
			k = len(all)
		}
		after, before := all[:k], all[k:]
		want := slices.Concat(after[:min(len(after), cfg.Leaf/2)], before[max(len(before)-cfg.Leaf/2, 0):])
		if !slices.Equal(set, want) {
			t.Fatalf("leaf set %v, want %v", set, want)
		}
		if n.leaves, n.peers = set, make([]peer, len(set)); n.Whole() && len(set) < len(all) {
			t.Fatalf("%d leaves are taken for the whole ring of %d", len(set), len(all))
		}
	})
}

func anyID(t *rapid.T) id.ID {
	return id.ID{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64Range(0, 3).Draw(t, "lo")}
}

func TestDigitsAgreeWithText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := id.ID{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
		i := rapid.IntRange(0, digits-1).Draw(t, "digit")
		if got, want := "0123456789abcdef"[a.Digit(i)], a.String()[i]; got != want {
			t.Fatalf("digit %d of %v is %c, want %c", i, a, got, want)
		}
		bit := rapid.IntRange(0, 127).Draw(t, "bit")
		b := a
		if bit < 64 {
			b.Hi ^= 1 << (63 - bit)
		} else {
			b.Lo ^= 1 << (127 - bit)
		}
		if got := shared(a, b); got != bit/4 {
			t.Fatalf("%v and %v share %d digits, want %d", a, b, got, bit/4)
		}
	})
}

// Whatever arrives, in whatever order, the invariants hold and nothing panics.
func TestAnySequenceKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Leaf: 4, MeshMax: rapid.SampledFrom([]int{-1, 8}).Draw(t, "mesh"), MeshMin: 6, Pending: 8}.Defaults()
		book := NewBook()
		n := New(&cfg, book, book.Add(id.ID{Hi: 0x80 << 56}, 1), 1)
		for i := range 24 {
			book.Add(id.ID{Hi: uint64(i%20) << 59, Lo: 1}, uint64(1+i/20))
		}
		who := func(label string) Handle { return Handle(rapid.IntRange(1, book.Len()-1).Draw(t, label)) }
		some := func(label string) []Handle {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Handle { return Handle(rapid.IntRange(0, 24).Draw(t, "h")) }), 0, 6).Draw(t, label)
		}
		now := time.Second
		var out Out
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += time.Duration(rapid.Int64Range(0, int64(4*time.Second)).Draw(t, "pass"))
			e := Event{Kind: EventKind(rapid.IntRange(0, int(Met)).Draw(t, "event")), From: who("from"), RTT: time.Duration(rapid.IntRange(0, 1e8).Draw(t, "rtt")), Seeds: some("seeds")}
			e.Seeds = slices.DeleteFunc(e.Seeds, func(h Handle) bool { return h == None })
			if e.Kind == Stop && rapid.IntRange(0, 9).Draw(t, "stop") > 0 {
				e.Kind = Tick
			}
			e.Msg = &Msg{
				Kind: Kind(rapid.IntRange(1, Kinds).Draw(t, "kind")), Active: rapid.Bool().Draw(t, "active"), Mesh: rapid.Bool().Draw(t, "mesh"),
				Hops: rapid.Uint8().Draw(t, "hops"), Row: rapid.SampledFrom([]uint8{0, 1, 2, 40, rowLeaves, rowNearby}).Draw(t, "row"),
				Seq: rapid.Uint32Range(0, 20).Draw(t, "seq"), Origin: who("origin"), Key: id.ID{Hi: rapid.Uint64().Draw(t, "key")},
				ID: n.joinID * rapid.Uint64Range(0, 1).Draw(t, "id"), Leaves: some("leaves"), Refs: some("refs"), RTTs: []uint16{3, 0, 9},
			}
			out.Reset()
			n.Step(now, &e, &out)
			if err := n.Valid(); err != nil {
				t.Fatalf("after %+v with %+v: %v", e, *e.Msg, err)
			}
			for _, s := range out.Sends {
				if s.To == None || s.To == n.self || s.Msg.Kind == 0 {
					t.Fatalf("sent %+v to %d", s.Msg, s.To)
				}
			}
		}
	})
}
