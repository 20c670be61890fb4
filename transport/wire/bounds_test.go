package wire

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"iris/internal/id"
)

var topic = Group{GroupTopic, "t"}

// lists are the frames with a list in them, each made with a list of n elements.
var lists = []struct {
	name  string
	limit int
	make  func(n int) Frame
}{
	{"nodes of Peers", MaxPeers, func(n int) Frame { return &Peers{make([]NodeRef, n)} }},
	{"entries of GroupView", MaxEntries, func(n int) Frame { return &GroupView{Group: topic, Entries: make([]Entry, n)} }},
	{"entries of GroupReplica", MaxEntries, func(n int) Frame { return &GroupReplica{Group: topic, Entries: make([]Entry, n)} }},
	{"leaves of Overlay", MaxRefs, func(n int) Frame { return &Overlay{Leaves: refs(n)} }},
	{"refs of Overlay", MaxRefs, func(n int) Frame { return &Overlay{Refs: refs(n)} }},
	{"round trips of Overlay", MaxRefs, func(n int) Frame { return &Overlay{Refs: refs(n), RTTs: make([]uint16, n)} }},
	{"addresses in Overlay", MaxRefAddrs, func(n int) Frame { return &Overlay{Refs: []NodeRef{{ID: nodeA, Addrs: make([]string, n)}}} }},
	{"addresses of an origin", MaxRefAddrs, func(n int) Frame { return &Route{Origin: NodeRef{ID: nodeA, Addrs: make([]string, n)}} }},
	{"addresses of a root", MaxRefAddrs, func(n int) Frame { return &Route{Node: NodeRef{ID: nodeA, Addrs: make([]string, n)}} }},
	{"sample of TreeJoin", MaxSample, func(n int) Frame { return &TreeJoin{Group: topic, Sample: make([]id.ID, n)} }},
	{"path of TreeAck", MaxPath, func(n int) Frame { return &TreeAck{Group: topic, Path: make([]id.ID, n)} }},
	{"backups of TreeAck", MaxBackups, func(n int) Frame { return &TreeAck{Group: topic, Backups: make([]id.ID, n)} }},
	{"others of TreeAck", MaxOthers, func(n int) Frame { return &TreeAck{Group: topic, Others: make([]TreeOther, n)} }},
	{"sample of TreeAck", MaxSample, func(n int) Frame { return &TreeAck{Group: topic, Sample: make([]id.ID, n)} }},
	{"children of TreeReplica", MaxChildren, func(n int) Frame { return &TreeReplica{Group: topic, Children: make([]id.ID, n)} }},
	{"marks of TopicSync", MaxMarks, func(n int) Frame { return &TopicSync{Group: topic, Marks: make([]TopicMark, n)} }},
	{"marks of TopicDigest", MaxMarks, func(n int) Frame { return &TopicDigest{Group: topic, Marks: make([]TopicMark, n)} }},
	{"ranges of TopicPull", MaxRanges, func(n int) Frame { return &TopicPull{Group: topic, Ranges: make([]TopicRange, n)} }},
}

func refs(n int) []NodeRef {
	list := make([]NodeRef, n)
	for i := range list {
		list[i].ID = id.ID{Lo: uint64(i) + 1}
	}
	return list
}

func TestListsEndAtTheirLimit(t *testing.T) {
	for _, l := range lists {
		t.Run(l.name, func(t *testing.T) {
			full := l.make(l.limit)
			b := mustAppend(t, NewWriter(), nil, full)
			if len(b) > full.Size() {
				t.Errorf("Size %d, took %d", full.Size(), len(b))
			}
			got, err := NewReader(bytes.NewReader(b), MaxFrame).Next()
			if err != nil {
				t.Fatal(err)
			}
			if d := equal(got, full); d != "" {
				t.Error(d)
			}
			if _, err := NewWriter().Append(nil, l.make(l.limit+1)); !errors.Is(err, ErrInvalid) {
				t.Errorf("Append of %d = %v", l.limit+1, err)
			}
		})
	}
}

// A reader must not believe a writer that does not keep to the limits: neither
// one element too many, nor a count that nothing stands behind.
func TestListsAreNotBelieved(t *testing.T) {
	ref := seq(0x93, 0xc4, 16, "0123456789abcdef", 0, 0x90)
	tree := seq(0x92, 2, 0xa1, "t", 0) // group and stripe
	overlay := seq(1, 0xc2, 0xc2, 0, 0, 0, 0, 0xc0)
	route := seq(0xc2, 0xc2, 0, 0, 0)
	mark := seq(0x94, 0xc0, 0, 0, 0)
	for _, l := range []struct {
		name   string
		before []byte // header, kind and fields before the list
		one    []byte // shortest element
		limit  int
		kind   Kind
	}{
		{"leaves of Overlay", seq(0x9c, 12, overlay), ref, MaxRefs, KindOverlay},
		{"refs of Overlay", seq(0x9c, 12, overlay, 0x90), ref, MaxRefs, KindOverlay},
		{"round trips of Overlay", seq(0x9c, 12, overlay, 0x90, 0x90), seq(0), MaxRefs, KindOverlay},
		{"addresses in Overlay", seq(0x9c, 12, overlay, 0x91, ref[:len(ref)-1]), seq(0xa0), MaxRefAddrs, KindOverlay},
		{"addresses of an origin", seq(0x9a, 40, route, ref[:len(ref)-1]), seq(0xa0), MaxRefAddrs, KindRoute},
		{"addresses of a root", seq(0x9a, 40, route, 0xc0, 0xc0, 2, ref[:len(ref)-1]), seq(0xa0), MaxRefAddrs, KindRoute},
		{"sample of TreeJoin", seq(0x97, 50, tree, 1, 0, 1), seq(0xc0), MaxSample, KindTreeJoin},
		{"path of TreeAck", seq(0x9c, 51, tree, 1, 0, 0xc2), seq(0xc0), MaxPath, KindTreeAck},
		{"backups of TreeAck", seq(0x9c, 51, tree, 1, 0, 0xc2, 0x90), seq(0xc0), MaxBackups, KindTreeAck},
		{"others of TreeAck", seq(0x9c, 51, tree, 1, 0, 0xc2, 0x90, 0x90), seq(0x93, 0xc0, 0, 0), MaxOthers, KindTreeAck},
		{"sample of TreeAck", seq(0x9c, 51, tree, 1, 0, 0xc2, 0x90, 0x90, 0x90, 0xc0), seq(0xc0), MaxSample, KindTreeAck},
		{"children of TreeReplica", seq(0x94, 53, tree), seq(0xc0), MaxChildren, KindTreeReplica},
		{"marks of TopicSync", seq(0x97, 56, tree, 0xc2, 0xc2, 0xc2), mark, MaxMarks, KindTopicSync},
		{"marks of TopicDigest", seq(0x96, 57, tree, 0xc2, 0), mark, MaxMarks, KindTopicDigest},
		{"ranges of TopicPull", seq(0x96, 58, tree, 0xc0, 0), seq(0x92, 0, 0), MaxRanges, KindTopicPull},
	} {
		t.Run(l.name, func(t *testing.T) {
			more := l.limit + 1
			for _, c := range []struct {
				name   string
				b      []byte
				reason string
			}{
				{"one too many", seq(l.before, 0xdc, more>>8, more, bytes.Repeat(l.one, more)), reasonCount},
				{"four thousand millions", seq(l.before, 0xdd, 0xff, 0xff, 0xff, 0xff), reasonCount},
				{"as many as may be, not there", seq(l.before, 0xdc, l.limit>>8, l.limit), reasonCut},
				{"all but one of its bytes", seq(l.before, 0xdc, 0, 2, l.one, l.one[:len(l.one)-1]), reasonCut},
				{"not a list", seq(l.before, 0xc2, make([]byte, 12)), reasonType},
			} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := Decode(c.b)
				runtime.ReadMemStats(&after)
				var pe *ProtocolError
				if !errors.As(err, &pe) || pe.Kind != l.kind || pe.Reason != c.reason {
					t.Errorf("%s: %v", c.name, err)
				}
				if n := after.TotalAlloc - before.TotalAlloc; len(c.b) < 100 && n > 16<<10 {
					t.Errorf("%s: %d bytes allocated for %d", c.name, n, len(c.b))
				}
			}
		})
	}
}

func TestFramesOfTheOverlayRefuseWhatMakesNoSense(t *testing.T) {
	nobody := seq(0x93, 0xc0, 0, 0x90)
	somebody := seq(0x93, 0xc4, 16, "0123456789abcdef", 0, 0x90)
	overlay := seq(0x9c, 12, 1, 0xc2, 0xc2, 0, 0, 0, 0)
	for name, c := range map[string]struct {
		b      []byte
		reason string
	}{
		"an origin without an id":    {seq(overlay, nobody, 0x90, 0x90, 0x90), reasonNobody},
		"a leaf without an id":       {seq(overlay, 0xc0, 0x91, nobody, 0x90, 0x90, make([]byte, 20)), reasonNobody},
		"a leaf that is nil":         {seq(overlay, 0xc0, 0x91, 0xc0, 0x90, 0x90, make([]byte, 20)), reasonType},
		"one round trip for nobody":  {seq(overlay, 0xc0, 0x90, 0x90, 0x91, 7), reasonParallel},
		"two round trips for one":    {seq(overlay, 0xc0, 0x90, 0x91, somebody, 0x92, 7, 7), reasonParallel},
		"a round trip of two hours":  {seq(overlay, 0xc0, 0x90, 0x91, somebody, 0x91, 0xce, 0, 1, 0, 0), reasonRange},
		"a root without an id":       {seq(0x9a, 40, 0xc2, 0xc2, 0, 0, 0, 0xc0, 0xc0, 2, nobody), reasonNobody},
		"a hop count beyond a byte":  {seq(0x9a, 40, 0xc2, 0xc2, 0xcd, 1, 0, 0, 0, 0xc0, 0xc0, 2, 0xc0), reasonRange},
		"a tree of no group":         {seq(0x93, 52, 0x92, 0, 0xa1, "t", 0), reasonRange},
		"a tree of a nameless group": {seq(0x93, 52, 0x92, 2, 0xa0, 0), reasonNameEmpty},
		"a group by its index":       {seq(0x93, 52, 0x92, 2, 0, 0), reasonType},
		"a group with a line break":  {seq(0x93, 52, 0x92, 2, 0xa1, 10, 0), reasonControl},
		"a long group":               {seq(0x93, 52, 0x92, 2, 0xda, 1, 0, strings.Repeat("x", 256), 0), reasonTooLong},
	} {
		var pe *ProtocolError
		if f, err := Decode(c.b); !errors.As(err, &pe) || pe.Reason != c.reason {
			t.Errorf("%s: %#v, %v", name, f, err)
		}
	}
	for name, f := range map[string]Frame{
		"a leaf without an id":    &Overlay{Leaves: make([]NodeRef, 1)},
		"two round trips for one": &Overlay{Refs: refs(1), RTTs: make([]uint16, 2)},
		"a tree of no group":      &TreeLeave{Group: Group{Name: "t"}},
		"a nameless group":        &TopicEnter{Group: Group{Kind: GroupTopic}},
		"a long type":             &TopicData{Group: topic, Body: Body{Type: strings.Repeat("x", 256)}},
		"a line break in a type":  &TopicData{Group: topic, Body: Body{Type: "\n"}},
	} {
		if _, err := NewWriter().Append(nil, f); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: Append = %v", name, err)
		}
	}
}

// What docs/protocol.md says of the room on control, and that a frame beyond it
// is refused here, not by the peer.
func TestOverlayFitsControl(t *testing.T) {
	w := NewWriter()
	w.SetLimit(MaxControl)
	frame := func(leaves, nodes int, addr string) *Overlay {
		f := &Overlay{What: 13, Seq: 1 << 31, ID: 1 << 63, Leaves: refs(leaves), Refs: refs(nodes), RTTs: make([]uint16, nodes)}
		for _, list := range [][]NodeRef{f.Leaves, f.Refs} {
			for i := range list {
				list[i].Incarnation, list[i].Addrs = 1<<62, []string{addr, addr}
			}
		}
		return f
	}
	if _, err := w.Append(nil, frame(288, 512, "255.255.255.255:65535")); err != nil {
		t.Errorf("800 nodes: %v", err)
	}
	if _, err := w.Append(nil, frame(512, 512, "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("1024 nodes with long addresses: %v", err)
	}
	if _, err := w.Append(nil, frame(0, 0, "")); err != nil {
		t.Errorf("the next frame: %v", err)
	}
}
