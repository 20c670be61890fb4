package actor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// head is what the messages of tests have in common.
func head() *Inbound {
	return &Inbound{Delivery: Delivery{Kind: Event, Topic: "news", Origin: "n2"}, From: "n2"}
}

// bundleOf makes a bundle of untyped messages.
func bundleOf(t testing.TB, msgs ...[]byte) *Bundle {
	t.Helper()
	var g Gather
	for _, m := range msgs {
		if !g.Add("", m) {
			t.Fatalf("no room for %d messages", len(msgs))
		}
	}
	return g.Bundle(head())
}

// numbers makes messages that say who they are.
func numbers(from, n int) (msgs [][]byte) {
	for i := range n {
		msgs = append(msgs, binary.BigEndian.AppendUint32(nil, uint32(from+i)))
	}
	return msgs
}

// deliver gives a bundle of numbers to an actor and returns how many it took.
func deliverNumbers(t testing.TB, s *System, pid *PID, from, n int) int {
	t.Helper()
	b := bundleOf(t, numbers(from, n)...)
	defer b.Release()
	return s.DeliverBundle(pid, b)
}

func TestBundleHoldsWhatWasGathered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g Gather
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			type message struct {
				typ  string
				data []byte
			}
			var want []message
			size := 0
			for i := range rapid.IntRange(1, 3000).Draw(t, "messages") {
				n := rapid.SampledFrom([]int{0, 1, 16, 100, gatherLargest, gatherLargest + 1}).Draw(t, "size")
				m := message{rapid.SampledFrom([]string{"", "shop.Order", "*shop.Order"}).Draw(t, "type"), bytes.Repeat([]byte{byte(i)}, n)}
				fits := len(want) < gatherMessages && size+n <= gatherBytes && n <= gatherLargest
				if got := g.Add(m.typ, m.data); got != fits {
					t.Fatalf("add of %d bytes to %d messages with %d: %v", n, len(want), size, got)
				}
				if n > gatherLargest {
					continue
				}
				if !fits {
					break
				}
				want, size = append(want, m), size+n
			}
			if len(want) == 0 {
				continue
			}
			if g.Len() != len(want) || g.Type() != want[0].typ || !bytes.Equal(g.Data(), want[0].data) {
				t.Fatalf("gathered %d, first %q of %d bytes", g.Len(), g.Type(), len(g.Data()))
			}
			b := g.Bundle(head())
			if need := size + entrySize*len(want); len(b.mem) >= 2*need && len(b.mem) > leastBundle || len(b.mem) < need {
				t.Fatalf("%d bytes of memory for %d", len(b.mem), need)
			}
			if b.n != len(want) || b.begin(b.n) != size {
				t.Fatalf("%d messages of %d bytes, want %d of %d", b.n, b.begin(b.n), len(want), size)
			}
			for i, m := range want {
				if b.typ(i) != m.typ || !bytes.Equal(b.data(i), m.data) {
					t.Fatalf("message %d: %q of %d bytes, want %q of %d", i, b.typ(i), len(b.data(i)), m.typ, len(m.data))
				}
			}
			b.Release()
			if g.Len() != 0 {
				t.Fatal("something is left")
			}
		}
	})
}

func TestGatherBoundsTypes(t *testing.T) {
	var g Gather
	for i := range gatherTypes {
		if !g.Add(fmt.Sprint("type-", i), nil) {
			t.Fatalf("type %d refused", i)
		}
	}
	if g.Add("one more", nil) || !g.Add("type-7", nil) {
		t.Error("the bound of types is not exact")
	}
	if b := g.Bundle(head()); b.typ(255) != "type-255" || b.typ(256) != "type-7" {
		t.Errorf("types %q, %q", b.typ(255), b.typ(256))
	}
}

func TestFittingIsAPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 50).Draw(t, "sizes")
		var g Gather
		for _, n := range sizes {
			g.Add("", make([]byte, n))
		}
		b := g.Bundle(head())
		defer b.Release()
		n := rapid.IntRange(0, len(sizes)).Draw(t, "n")
		room := rapid.Int64Range(0, 500).Draw(t, "room")
		want, sum := 0, int64(0)
		for want < n && sum+int64(sizes[want]) <= room {
			sum += int64(sizes[want])
			want++
		}
		if got := b.fitting(n, room); got != want {
			t.Fatalf("fitting(%d, %d) of %v = %d, want %d", n, room, sizes, got, want)
		}
	})
}

// The model takes one message after the other by the rules of a single post, up to the first that does not fit.
func TestPartialAcceptanceIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := NewSystem(Options{Node: "n1"})
		defer func() {
			if err := s.Shutdown(t.Context()); err != nil {
				rt.Error(err)
			}
		}()
		maxN := rapid.IntRange(1, 30).Draw(rt, "messages")
		maxB := rapid.IntRange(1, 200).Draw(rt, "bytes")
		entered, release := make(chan struct{}), make(chan struct{})
		var got [][]byte // by the actor, until it has answered
		pid := s.Spawn(Func(func(ctx Context) {
			switch m := ctx.Message().(type) {
			case Bytes:
				got = append(got, m)
			case string:
				if m == "block" {
					close(entered)
					<-release
					return
				}
				ctx.Respond(len(got))
			}
		}).Mailbox(maxN).MailboxBytes(maxB))
		s.Send(pid, nil, "block")
		receive(t, entered)
		var want [][]byte
		n, sum, refused := 0, 0, 0
		take := func(m []byte) bool {
			if n >= maxN || len(m) > 0 && n > 0 && sum+len(m) > maxB {
				return false
			}
			n, sum, want = n+1, sum+len(m), append(want, m)
			return true
		}
		for i := range rapid.IntRange(1, 6).Draw(rt, "posts") {
			size := rapid.SampledFrom([]int{0, 1, 10, 30, 150})
			if rapid.Bool().Draw(rt, "single") {
				m := bytes.Repeat([]byte{byte(i)}, size.Draw(rt, "size"))
				ok := take(m)
				if !ok {
					refused++
				}
				if err := s.Deliver(pid, &Inbound{Message: Bytes(m), Size: len(m), From: "n2"}); (err == nil) != ok {
					rt.Fatalf("single of %d bytes: %v", len(m), err)
				}
				continue
			}
			var msgs [][]byte
			for range rapid.IntRange(1, 20).Draw(rt, "batch") {
				msgs = append(msgs, bytes.Repeat([]byte{byte(i)}, size.Draw(rt, "size")))
			}
			taken := 0
			for taken < len(msgs) && take(msgs[taken]) {
				taken++
			}
			refused += len(msgs) - taken
			b := bundleOf(t, msgs...)
			if k := s.DeliverBundle(pid, b); k != taken {
				rt.Fatalf("%d of %d taken, want %d", k, len(msgs), taken)
			}
			b.Release()
		}
		if k := s.MailboxLen(pid); k != n {
			rt.Fatalf("mailbox length %d, want %d", k, n)
		}
		if d := s.Counters().Dropped[DeadOverflow.String()]; d != uint64(refused) {
			rt.Fatalf("%d dropped, want %d", d, refused)
		}
		close(release)
		for err := ErrOverloaded; errors.Is(err, ErrOverloaded); { // until there is room for the question
			_, err = ask(t, s, pid, "sync")
		}
		if !slices.EqualFunc(got, want, bytes.Equal) {
			rt.Fatalf("%d messages handled, want %d, in their order", len(got), len(want))
		}
		if load := s.cells.get(pid.Id).mb.load.Load(); load != 0 {
			rt.Fatalf("load %x is left", load)
		}
	})
}

// Whatever is gathered, bundled, forgotten and released in between, a bundle keeps what was put into it, and its memory is
// its own: what is being gathered, another bundle that lives, and another Gather have theirs.
func TestBundlesShareNoMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type living struct {
			*Bundle
			want [][]byte
		}
		var alive []living
		var gathers [2]Gather
		var gathered [2][][]byte
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			which := rapid.IntRange(0, 1).Draw(t, "gather")
			g, want := &gathers[which], &gathered[which]
			switch rapid.SampledFrom([]string{"add", "add", "bundle", "reset", "release"}).Draw(t, "step") {
			case "add":
				size := rapid.SampledFrom([]int{0, 16, 500, 3000}).Draw(t, "size")
				for i := range rapid.IntRange(1, 40).Draw(t, "messages") {
					if m := bytes.Repeat([]byte{byte(step + 7*i)}, size); g.Add("", m) {
						*want = append(*want, m)
					}
				}
			case "bundle":
				if len(*want) > 0 {
					alive = append(alive, living{g.Bundle(head()), *want})
					*want = nil
				}
			case "reset":
				g.Reset()
				*want = nil
			case "release":
				if len(alive) > 0 {
					i := rapid.IntRange(0, len(alive)-1).Draw(t, "bundle")
					alive[i].Release()
					alive = slices.Delete(alive, i, i+1)
				}
			}
			seen := map[*byte]bool{}
			own := func(mem []byte) {
				if len(mem) > 0 && seen[&mem[0]] {
					t.Fatal("memory of two owners")
				} else if len(mem) > 0 {
					seen[&mem[0]] = true
				}
			}
			own(gathers[0].slab)
			own(gathers[1].slab)
			for _, b := range alive {
				own(b.mem)
				for i, m := range b.want {
					if !bytes.Equal(b.data(i), m) {
						t.Fatalf("message %d of a bundle has changed", i)
					}
				}
			}
		}
	})
}
