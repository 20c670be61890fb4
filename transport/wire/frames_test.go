package wire

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"iris/internal/id"
)

// kinds lists every kind that New knows.
func kinds() (all []Kind) {
	for k := range 256 {
		if New(Kind(k)) != nil {
			all = append(all, Kind(k))
		}
	}
	return all
}

// equal compares frames; nil and empty are the same on the wire, and of a
// heartbeat's padding only the length matters, which may grow.
func equal(got, want Frame) string {
	if w, ok := want.(*Heartbeat); ok {
		if g, ok := got.(*Heartbeat); ok && len(g.Pad) >= len(w.Pad) {
			return cmp.Diff(want, got, cmpopts.IgnoreFields(Heartbeat{}, "Pad"))
		}
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

// draw holds the generators of field values.
type draw struct{ t *rapid.T }

func (d draw) u64() uint64 {
	// Widths first, so that every integer format is met.
	shift := rapid.IntRange(0, 63).Draw(d.t, "shift")
	return rapid.Uint64().Draw(d.t, "uint") >> shift
}
func (d draw) u32() uint32 { return uint32(d.u64()) }
func (d draw) u16() uint16 { return uint16(d.u64()) }
func (d draw) u8() uint8   { return uint8(d.u64()) }
func (d draw) bool() bool  { return rapid.Bool().Draw(d.t, "bool") }

func (d draw) id() id.ID {
	if d.bool() {
		return id.ID{}
	}
	return id.ID{Hi: d.u64(), Lo: d.u64()}
}

func (d draw) data(limit int) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, min(limit, 400)).Draw(d.t, "data")
}

// name draws from few names as well as from many, so that the dictionary is
// hit and filled.
func (d draw) name() string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"a", "echo", "höher", "東京", strings.Repeat("n", MaxName)}),
		rapid.StringMatching(`[a-zµ€ -~]{1,40}`),
	).Draw(d.t, "name")
}

func (d draw) optName() string {
	if d.bool() {
		return ""
	}
	return d.name()
}

func (d draw) actor() string {
	if d.u8() < 8 {
		return strings.Repeat("x", rapid.IntRange(MaxName-1, MaxActor).Draw(d.t, "length"))
	}
	return "iris/" + strings.TrimSuffix(d.name(), strings.Repeat("n", 8))
}

func (d draw) optActor() string {
	if d.bool() {
		return ""
	}
	return d.actor()
}

func (d draw) text() string {
	return rapid.StringN(0, 100, MaxText).Draw(d.t, "text")
}

func (d draw) addrs() []string {
	return rapid.SliceOfN(rapid.StringMatching(`[a-z0-9.:\[\]]{0,30}`), 0, MaxAddrs).Draw(d.t, "addrs")
}

func (d draw) body() Body       { return Body{d.optName(), d.data(MaxFrame)} }
func (d draw) group() Group     { return Group{max(d.u8(), 1), d.name()} }
func (d draw) version() Version { return Version{d.id(), d.u64(), d.u64()} }
func (d draw) load() Load       { return Load{d.u32(), d.u32(), d.bool(), d.u32()} }

func (d draw) entry() Entry {
	return Entry{d.id(), d.u64(), d.u32(), d.u32(), d.optName(), d.bool(), d.bool()}
}

func (d draw) entries() []Entry {
	list := make([]Entry, rapid.IntRange(0, 20).Draw(d.t, "entries"))
	for i := range list {
		list[i] = d.entry()
	}
	return list
}

// listOf draws lists that are mostly short, and sometimes as long as they may be.
func listOf[T any](d draw, most int, one func() T) []T {
	list := make([]T, min(most, rapid.OneOf(rapid.IntRange(0, 20), rapid.Just(most)).Draw(d.t, "length")))
	for i := range list {
		list[i] = one()
	}
	return list
}

func (d draw) ids(most int) []id.ID { return listOf(d, most, d.id) }
func (d draw) refs() []NodeRef      { return listOf(d, 30, d.ref) }
func (d draw) other() TreeOther     { return TreeOther{d.id(), d.u32(), d.u32()} }
func (d draw) mark() TopicMark      { return TopicMark{d.id(), d.u64(), d.u64(), d.u64()} }
func (d draw) span() TopicRange     { return TopicRange{d.u64(), d.u64()} }

func (d draw) ref() NodeRef {
	addrs := d.addrs()
	return NodeRef{id.ID{Hi: d.u64(), Lo: d.u64() | 1}, d.u64(), addrs[:min(len(addrs), MaxRefAddrs)]}
}

func (d draw) optRef() NodeRef {
	if d.bool() {
		return NodeRef{}
	}
	return d.ref()
}

func (d draw) key() []byte {
	if d.bool() {
		return nil
	}
	return rapid.SliceOfN(rapid.Byte(), MaxKey, MaxKey).Draw(d.t, "key")
}

// frame draws a valid frame of any kind.
func (d draw) frame() Frame {
	return d.frameOf(rapid.SampledFrom(kinds()).Draw(d.t, "kind"))
}

func (d draw) frameOf(k Kind) Frame {
	switch k {
	case KindHello:
		return &Hello{d.u16(), d.u64(), d.u8(), d.u64(), d.addrs(), d.optName(), d.optName(), d.addrs(), d.u16()}
	case KindHelloAck:
		return &HelloAck{Code(d.u16()), d.text()}
	case KindGoodbye:
		return &Goodbye{Code(d.u16()), d.text(), d.u8()}
	case KindGoodbyeAck:
		return &GoodbyeAck{d.u8()}
	case KindHeartbeat:
		return &Heartbeat{d.u64(), d.u8(), d.data(1500)}
	case KindHeartbeatAck:
		return &HeartbeatAck{d.u64(), d.u8()}
	case KindProbe:
		return &Probe{d.u64(), d.id()}
	case KindProbeResult:
		return &ProbeResult{d.u64(), d.id(), d.bool(), d.u64()}
	case KindPeers:
		nodes := make([]NodeRef, rapid.IntRange(0, 20).Draw(d.t, "nodes"))
		for i := range nodes {
			nodes[i] = NodeRef{d.id(), d.u64(), d.addrs()}
		}
		return &Peers{nodes}
	case KindLeave:
		return &Leave{d.u64()}
	case KindSuspects:
		return &Suspects{d.id(), d.u64()}
	case KindOverlay:
		f := &Overlay{d.u8(), d.bool(), d.bool(), d.u8(), d.u8(), d.u32(), d.u64(), d.optRef(), d.refs(), d.refs(), nil}
		if d.bool() {
			f.RTTs = rapid.SliceOfN(rapid.Uint16(), len(f.Refs), len(f.Refs)).Draw(d.t, "rtts")
		}
		return f
	case KindGroupJoin:
		return &GroupJoin{d.u64(), d.group(), d.entry()}
	case KindGroupLeave:
		return &GroupLeave{d.u64(), d.group(), d.id(), d.u64()}
	case KindGroupLookup:
		return &GroupLookup{d.u64(), d.group(), d.version()}
	case KindGroupView:
		return &GroupView{d.u64(), d.u64(), d.group(), d.version(), d.u32(), d.u16(), d.entries(), d.u8()}
	case KindGroupAck:
		return &GroupAck{d.u64(), d.u16(), d.version(), d.u8()}
	case KindGroupReplica:
		return &GroupReplica{d.u64(), d.group(), d.version(), d.entries(), d.u8()}
	case KindGroupPull:
		return &GroupPull{d.u64(), d.group()}
	case KindLoadProbe:
		return &LoadProbe{d.u64(), d.name()}
	case KindLoadReport:
		return &LoadReport{d.u64(), d.name(), d.load()}
	case KindTell:
		return &Tell{d.actor(), d.optActor(), d.id(), d.u32(), d.body(), d.optName()}
	case KindAsk:
		return &Ask{d.u32(), d.actor(), d.u32(), d.body(), d.optName()}
	case KindRequest:
		return &Request{d.u32(), d.name(), d.u32(), d.key(), d.body(), d.optName()}
	case KindReply:
		f := &Reply{ID: d.u32(), Status: d.u16(), Text: d.text(), HasLoad: d.bool(), Body: d.body()}
		if f.HasLoad {
			f.Load = d.load()
		}
		return f
	case KindWatch:
		return &Watch{d.actor(), d.actor()}
	case KindUnwatch:
		return &Unwatch{d.actor(), d.actor()}
	case KindTerminated:
		return &Terminated{d.actor(), d.actor(), d.u8()}
	case KindStop:
		return &Stop{d.actor(), d.bool()}
	case KindRoute:
		return &Route{d.bool(), d.bool(), d.u8(), d.u32(), d.u64(), d.optRef(), d.id(), d.u8(), d.optRef()}
	case KindEvent:
		return &Event{d.name(), d.body(), d.optName(), d.bool()}
	case KindBroadcast:
		return &Broadcast{d.name(), d.body(), d.optName()}
	case KindTreeJoin:
		return &TreeJoin{d.group(), d.u8(), d.u64(), d.u8(), d.u32(), d.ids(MaxSample)}
	case KindTreeAck:
		return &TreeAck{
			d.group(), d.u8(), d.u64(), d.u8(), d.bool(), d.ids(MaxPath), d.ids(MaxBackups),
			listOf(d, MaxOthers, d.other), d.id(), d.ids(MaxSample), d.u8(),
		}
	case KindTreeLeave:
		return &TreeLeave{d.group(), d.u8()}
	case KindTreeReplica:
		return &TreeReplica{d.group(), d.u8(), d.ids(MaxChildren)}
	case KindTreeInvite:
		return &TreeInvite{d.group(), d.u8(), d.id()}
	case KindTopicData:
		return &TopicData{d.group(), d.u8(), d.id(), d.u64(), d.u64(), d.u8(), d.bool(), d.body(), d.optName()}
	case KindTopicSync:
		return &TopicSync{d.group(), d.u8(), d.bool(), d.bool(), d.bool(), listOf(d, MaxMarks, d.mark)}
	case KindTopicDigest:
		return &TopicDigest{d.group(), d.u8(), d.bool(), d.u8(), listOf(d, MaxMarks, d.mark)}
	case KindTopicPull:
		return &TopicPull{d.group(), d.u8(), d.id(), d.u64(), listOf(d, MaxRanges, d.span)}
	case KindTopicEnter:
		return &TopicEnter{d.group(), d.u8()}
	case KindLaneOpen:
		return &LaneOpen{d.u8()}
	case KindChunk:
		return &Chunk{d.u64(), d.u8(), d.u64(), d.bool(), d.data(MaxChunk)}
	case KindLarge:
		return &Large{d.u64()}
	case KindTunnelOpen:
		return &TunnelOpen{d.name(), d.u64(), d.u32()}
	case KindTunnelAccept:
		return &TunnelAccept{d.u64()}
	case KindTunnelRefuse:
		return &TunnelRefuse{Code(d.u16()), d.text()}
	case KindTunnelData:
		return &TunnelData{d.bool(), d.data(MaxChunk)}
	case KindTunnelCredit:
		return &TunnelCredit{d.u64()}
	case KindTunnelEnd:
		return &TunnelEnd{}
	case KindTunnelAbort:
		return &TunnelAbort{Code(d.u16()), d.text()}
	}
	d.t.Fatalf("no generator for %v", k)
	return nil
}

func mustAppend(t testing.TB, w *Writer, dst []byte, f Frame) []byte {
	t.Helper()
	dst, err := w.Append(dst, f)
	if err != nil {
		t.Fatalf("Append(%v) = %v", f.Kind(), err)
	}
	return dst
}
