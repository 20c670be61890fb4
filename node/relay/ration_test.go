package relay

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"iris/internal/budget"
	"iris/node/relay/packet"
)

// Whatever outboxes do, the account is exact, and they never hold more together than the share
// and what is their own.
func TestRationModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := budget.New(int64(rapid.IntRange(16, 256).Draw(t, "steps"))*budget.Step, unheard)
		all := make([]ration, rapid.IntRange(1, 12).Draw(t, "clients"))
		backlogs := make([]int, len(all))
		for i := range all {
			all[i].share = share
		}
		for range rapid.IntRange(1, 200).Draw(t, "moves") {
			i := rapid.IntRange(0, len(all)-1).Draw(t, "client")
			if rapid.IntRange(0, 2).Draw(t, "what") == 0 {
				backlogs[i] = rapid.IntRange(0, backlogs[i]).Draw(t, "backlog")
				all[i].shrink(backlogs[i])
			} else {
				n, u := rapid.IntRange(1, 1<<20).Draw(t, "bytes"), urgency(rapid.IntRange(0, 2).Draw(t, "urgency"))
				if backlogs[i]+n > ownRoom && u == vital {
					n = rapid.IntRange(1, 300).Draw(t, "small")
				}
				if all[i].grow(backlogs[i], n, u) {
					backlogs[i] += n
				}
			}
			held, sum := 0, 0
			for j := range all {
				held += all[j].held
				sum += backlogs[j]
				if backlogs[j] > ownRoom+all[j].held+lastRoom {
					t.Fatalf("%d bytes wait with %d held", backlogs[j], all[j].held)
				}
			}
			if most := int(share.Limit()) + len(all)*(ownRoom+lastRoom); share.Used() != int64(held) || sum > most {
				t.Fatalf("%d bytes are held, %d are counted; %d wait, at most %d may", held, share.Used(), sum, most)
			}
		}
		for i := range all {
			all[i].shrink(0)
		}
		if share.Used() != 0 {
			t.Fatalf("%d bytes are left", share.Used())
		}
	})
}

// What may become of a packet when others hold everything.
func TestRationWhenNothingIsLeft(t *testing.T) {
	share := budget.New(10*budget.Step, unheard)
	if !share.TakePart(0, 10*budget.Step, 1) {
		t.Fatal("the share is not free")
	}
	r := ration{share: share}
	for _, c := range []struct {
		what       string
		backlog, n int
		u          urgency
		want       bool
	}{
		{"what is its own", 0, ownRoom, losable, true},
		{"more than that", 0, ownRoom + 1, losable, false},
		{"an answer", ownRoom, 1, owed, false},
		{"what must be said", ownRoom, lastRoom, vital, true},
		{"too much of that", ownRoom, lastRoom + 1, vital, false},
	} {
		if got := r.grow(c.backlog, c.n, c.u); got != c.want || r.held > 0 {
			t.Errorf("%s: %v, %d bytes held", c.what, got, r.held)
		}
	}
	share.Give(4 * budget.Step)
	for _, c := range []struct {
		what       string
		backlog, n int
		u          urgency
		want       bool
	}{
		{"what leaves as much", ownRoom, 2 * budget.Step, losable, true},
		{"what does not", ownRoom + 2*budget.Step, budget.Step, losable, false},
		{"an answer takes the rest", ownRoom + 2*budget.Step, 2 * budget.Step, owed, true},
	} {
		if got := r.grow(c.backlog, c.n, c.u); got != c.want {
			t.Errorf("%s: %v, %d bytes held", c.what, got, r.held)
		}
	}
}

// withCrowd runs f with outboxes that share limit bytes; each client reads a piece for each call of
// its read. dropped says why one was dropped.
func withCrowd(t *testing.T, n int, limit int64, f func(share *budget.Share, all []*outbox, read func(i int), dropped func(i int) error)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		share := budget.New(limit, unheard)
		all, tokens, why, ended := make([]*outbox, n), make([]chan struct{}, n), make([]atomic.Pointer[error], n), make([]chan struct{}, n)
		for i := range all {
			o := new(outbox)
			all[i], tokens[i], ended[i] = o, make(chan struct{}), make(chan struct{})
			o.init(reader{tokens: tokens[i]}, share, func(err error) { why[i].Store(&err); o.kill() })
			go func() {
				defer close(ended[i])
				_ = o.write()
			}()
		}
		f(share, all, func(i int) {
			select {
			case tokens[i] <- struct{}{}:
			case <-ended[i]:
			}
			synctest.Wait()
		}, func(i int) error {
			if err := why[i].Load(); err != nil {
				return *err
			}
			return nil
		})
		for i, o := range all {
			o.kill()
			close(tokens[i])
			<-ended[i]
		}
		if share.Used() != 0 {
			t.Errorf("%d bytes are left", share.Used())
		}
	})
}

// A thousand clients that do not read hold the share and no more, and one that reads misses
// nothing that fits into what is its own. When the others have had their time there is room again.
func TestOutboxesOfACrowd(t *testing.T) {
	const crowd, limit = 1000, 32 << 20
	event := packet.Publish{Topic: "t", Payload: make([]byte, 8<<10)}
	withCrowd(t, crowd+1, limit, func(share *budget.Share, all []*outbox, read func(int), dropped func(int) error) {
		good, missed := all[crowd], 0
		for round := range 20 {
			for _, o := range all[:crowd] {
				if o.offer(event) == errFull {
					missed++
				}
			}
			if err := good.offer(event); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			for good.waiting() > 0 {
				read(crowd)
			}
		}
		sum := 0
		for _, o := range all {
			sum += o.waiting()
		}
		if most := limit + crowd*ownRoom; sum > most || missed == 0 || share.Used() <= limit/4*3 {
			t.Errorf("%d bytes wait, at most %d may; %d events were missed", sum, most, missed)
		}
		for range stallTimeout/doubt + 1 {
			pass(doubt)
		}
		gone := 0
		for i := range crowd {
			if err := dropped(i); err == errPace {
				gone++
			} else if err != nil {
				t.Fatalf("dropped because %v", err)
			}
		}
		if gone == 0 || share.Used() > limit/4*3 || dropped(crowd) != nil {
			t.Errorf("%d were dropped, %d bytes are in use; the good one: %v", gone, share.Used(), dropped(crowd))
		}
		if err := good.offer(packet.Publish{Topic: "t", Payload: make([]byte, 4<<20)}); err != nil {
			t.Errorf("a large one: %v", err)
		}
	})
}

// Who holds some of the share while little is left has to read 1 MiB in 5 s; with room for
// all it may take its time.
func TestOutboxHasAPaceWhileMemoryIsShort(t *testing.T) {
	for _, c := range []struct {
		what  string
		short bool
		bytes int // that it reads in a second
		drops bool
	}{
		{"nothing is read, and there is room", false, 0, false},
		{"nothing is read", true, 0, true},
		{"a little is read", true, readPace / 8, true},
		{"enough is read", true, readPace / 4, false},
	} {
		withCrowd(t, 1, 64<<20, func(share *budget.Share, all []*outbox, read func(int), dropped func(int) error) {
			for range 20 {
				if err := all[0].put(mebi); err != nil {
					t.Fatal(err)
				}
			}
			read(0) // what precedes the payload
			rest := int(share.Limit() - share.Used())
			if c.short && (!share.TakePart(0, rest, 1) || share.TakePart(0, budget.Step, 1)) {
				t.Fatal("there is room")
			}
			for range 8 {
				for range c.bytes / piece {
					read(0)
				}
				pass(doubt)
			}
			if err := dropped(0); (err == errPace) != c.drops {
				t.Errorf("%s: dropped because %v", c.what, err)
			}
			if c.short {
				share.Give(rest)
			}
		})
	}
}

// A tunnel waits for room in the share, but what is the client's own it has in any case, and one chunk of any size: nobody
// else would wake who waits for it.
func TestTunnelGoesOnWhenNothingIsLeft(t *testing.T) {
	for _, size := range []int{32 << 10, packet.ChunkLimit} {
		chunk := packet.TunTransfer{Payload: make([]byte, size)}
		withCrowd(t, 1, 10*budget.Step, func(share *budget.Share, all []*outbox, read func(int), _ func(int) error) {
			if !share.TakePart(0, 10*budget.Step, 1) {
				t.Fatal("the share is not free")
			}
			for range 10 {
				if room, err := all[0].try(chunk); room != nil || err != nil {
					t.Fatalf("%d bytes are not queued: %v", size, err)
				}
				room, err := all[0].try(packet.TunTransfer{Payload: make([]byte, packet.ChunkLimit)})
				if room == nil || err != errFull {
					t.Fatalf("queued beyond its own: %v", err)
				}
				for all[0].waiting() > 0 {
					read(0)
				}
				select {
				case <-room:
				default:
					t.Fatal("who waits was not woken")
				}
			}
			share.Give(10 * budget.Step)
		})
	}
}
