package transport

import (
	"flag"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

var malformed = flag.Int("malformed", 5000, "random and mutated datagrams and frames that TestMalformedInput sends")

// A holder of the key sends random and mutated datagrams and frames over real
// sockets. Each bad frame ends its link with a clear event; the node, its other
// links and its memory are unharmed.
//
//	go test ./transport -run Malformed -v -args -malformed 1000000
func TestMalformedInput(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	listen := func(c *Config) { c.Listen = "127.0.0.1:0" }
	bad, victim, good := newPlace(t, "net", listen), newPlace(t, "net", listen), newPlace(t, "net", listen)
	in := collect(victim)
	for _, k := range []wire.Kind{wire.KindRequest, wire.KindBroadcast, wire.KindGroupView, wire.KindPeers, wire.KindHeartbeat} {
		victim.Handle(k, func(*Link, wire.Frame) {})
	}
	violations := make(chan struct{}, 1<<20)
	stop := victim.sys.Events().Subscribe(func(ev any) {
		if v, ok := ev.(*actor.ProtocolViolation); ok && v.Peer == bad.ID().String() && v.Reason != "" {
			violations <- struct{}{}
		}
	})
	defer stop()
	for _, p := range []*place{bad, victim, good} {
		p.start(t)
	}
	healthy, _ := linked(t, good, victim)

	raw, err := net.Dial("udp", victim.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	datagram := make([]byte, 1500)
	for range *malformed / 2 {
		n := 1 + rnd.IntN(len(datagram))
		fill(rnd, datagram[:n])
		if rnd.IntN(2) == 0 {
			datagram[0] |= 0xc0 // passes for a QUIC packet with a long header
		}
		_, _ = raw.Write(datagram[:n]) // a full socket drops it, as a network may
	}

	var most runtime.MemStats
	sent, links := 0, 0
	for sent < *malformed/2 {
		links++
		bad.Dial(victim.addr(), victim.ID())
		bad.until(t, "link of the bad peer", func() bool { return bad.Link(victim.ID()) != nil })
		l := bad.Link(victim.ID())
		s, err := l.conn.OpenUniStream()
		if err != nil {
			continue // the victim has closed already
		}
		w := wire.NewWriter()
		lane := Lane(1 + rnd.IntN(4))
		first, err := w.Append(nil, &wire.LaneOpen{Lane: uint8(lane)})
		if err != nil {
			t.Fatal(err)
		}
		_ = s.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := s.Write(first); err != nil {
			continue
		}
		for range 2000 {
			sent++
			if _, err := s.Write(mutated(t, rnd, w, lane)); err != nil {
				break
			}
		}
		_ = s.Close()
		bad.until(t, "end of the bad link", func() bool {
			if bad.Link(victim.ID()) == l {
				l.Close(wire.CodeOK, "next") // nothing it sent was malformed enough
			}
			return bad.Link(victim.ID()) != l
		})
		if links%64 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if m.HeapAlloc > most.HeapAlloc {
				most = m
			}
		}
	}
	if err := healthy.Send(t.Context(), Fanout, event("fine", 3)); err != nil {
		t.Fatalf("the good peer's link: %v", err)
	}
	for got := ""; got != "fine/3"; {
		got = <-in.got
	}
	t.Logf("%d datagrams, %d frames over %d links, %d violations reported, heap at most %d MiB",
		*malformed/2, sent, links, len(violations), most.HeapAlloc>>20)
	// Whatever the seed brought, this is malformed for certain.
	bad.Dial(victim.addr(), victim.ID())
	bad.until(t, "link of the bad peer", func() bool { return bad.Link(victim.ID()) != nil })
	s, err := bad.Link(victim.ID()).conn.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	<-violations
	if most.HeapAlloc > 256<<20 {
		t.Errorf("heap grew to %d MiB", most.HeapAlloc>>20)
	}
	for _, p := range []*place{bad, victim, good} {
		p.close(t)
	}
}

func fill(rnd *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
}

// mutated returns the bytes of a frame for the lane, now and then with something
// wrong in them.
func mutated(t *testing.T, rnd *rand.Rand, w *wire.Writer, lane Lane) []byte {
	frames := []wire.Frame{
		&wire.Event{Topic: "t", Body: wire.Body{Data: make([]byte, rnd.IntN(200))}},
		&wire.Request{ID: 1, Cluster: "c", TTLMs: 5, Body: wire.Body{Type: "x", Data: []byte{0x81, 0xa1}}},
		&wire.Tell{Target: "iris/user/1", Body: wire.Body{Data: []byte("hello")}},
		&wire.Tell{Target: "iris/router", Body: wire.Body{Type: "unknown.Type", Data: []byte{0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0}}},
		&wire.Reply{ID: rnd.Uint32() | 1, Body: wire.Body{Data: []byte("nobody asked")}},
		&wire.Watch{Watcher: "a", Watchee: "iris/user"}, &wire.Unwatch{Watcher: "a", Watchee: "iris/user"},
		&wire.Terminated{Who: "iris/user", Watcher: "iris/user"}, &wire.Stop{Target: "iris"},
		&wire.GroupView{Seq: 1, Group: wire.Group{Kind: wire.GroupCluster, Name: "c"}},
		&wire.Peers{Nodes: []wire.NodeRef{{ID: id.ID{Lo: 1}, Addrs: []string{"127.0.0.1:1"}}}},
		&wire.Overlay{What: 7, Refs: []wire.NodeRef{{ID: id.ID{Lo: 1}}}}, &wire.Route{Key: id.ID{Lo: 1}, What: wire.RouteLocate},
		&wire.TreeJoin{Group: wire.Group{Kind: wire.GroupTopic, Name: "t"}, Seq: 1, Sample: make([]id.ID, 2)},
		&wire.TopicData{Group: wire.Group{Kind: wire.GroupTopic, Name: "t"}, Seq: 1, Body: wire.Body{Type: "x", Data: make([]byte, rnd.IntN(200))}},
		&wire.TopicSync{Group: wire.Group{Kind: wire.GroupReliable, Name: "t"}, Marks: make([]wire.TopicMark, 3)},
		&wire.Heartbeat{Seq: 1}, &wire.Chunk{Seq: 0, Total: 1 << 62, Last: false, Data: []byte("x")}, &wire.Large{Seq: 0},
	}
	f := frames[rnd.IntN(len(frames))]
	for lane != Bulk && !belongs(f.Kind(), lane) && rnd.IntN(200) > 0 {
		f = frames[rnd.IntN(len(frames))]
	}
	b, err := w.Append(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	switch rnd.IntN(40) { // most pass, so that what follows is met in step
	case 0:
		b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
	case 1:
		b = b[:rnd.IntN(len(b))]
	case 2:
		fill(rnd, b)
	case 3:
		b = append(b, b...)
	}
	return b
}
