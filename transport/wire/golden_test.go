package wire

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"iris/internal/id"
)

var update = flag.Bool("update", false, "write testdata/*.hex anew")

var (
	nodeA = id.ID{Hi: 0x0102030405060708, Lo: 0x090a0b0c0d0e0f10}
	nodeB = id.ID{Hi: 0xa1a2a3a4a5a6a7a8, Lo: 0xa9aaabacadaeafb0}
)

// samples holds one or more frames of each kind. Their bytes in testdata are
// the format of the protocol: a change of them is a change of the protocol.
func samples() map[Kind][]Frame {
	echo := Group{GroupCluster, "echo"}
	news := Group{GroupTopic, "news"}
	version := Version{nodeA, 3, 70_000}
	load := Load{InFlight: 2, LatencyMicros: 1500, Members: 4}
	entries := []Entry{
		{Node: nodeA, Epoch: 1, Members: 4, Weight: 8, Zone: "eu"},
		{Node: nodeB, Epoch: 2, Members: 1, Zone: "eu", Draining: true},
	}
	reliable := []Entry{{Node: nodeA, Epoch: 1, Members: 1, Reliable: true}}
	feed := Group{GroupReliable, "news"}
	refA := NodeRef{nodeA, 5, []string{"10.0.0.1:4000", "[::1]:4000"}}
	refB := NodeRef{nodeB, 6, nil}
	marks := []TopicMark{{nodeA, 1 << 40, 7, 9}, {nodeB, 3, 0, 0}}
	ping := Body{"shop.Ping", []byte{0x81, 0xa1, 'n', 0x01}}
	key := []byte("0123456789abcdef")

	return map[Kind][]Frame{
		KindHello: {&Hello{
			Version: 1, Incarnation: 1 << 40, Role: RoleTunnels, Features: 0,
			Addrs: []string{"10.0.0.1:4000", "[::1]:4000"}, Zone: "eu", Name: "gopher-1",
			Labels: []string{"disk", "ssd"}, TunnelPort: 40_000,
		}},
		KindHelloAck:     {&HelloAck{}, &HelloAck{CodeVersion, "want version 2, got 1"}},
		KindGoodbye:      {&Goodbye{CodeLeave, "stopped by operator", 2}},
		KindGoodbyeAck:   {&GoodbyeAck{2}},
		KindHeartbeat:    {&Heartbeat{Seq: 7, Health: 1}, &Heartbeat{Seq: 1 << 33, Pad: make([]byte, 120)}},
		KindHeartbeatAck: {&HeartbeatAck{Seq: 7}, &HeartbeatAck{Seq: 1 << 63, Health: 200}},
		KindProbe:        {&Probe{9, nodeB}},
		KindProbeResult:  {&ProbeResult{9, nodeB, true, 300}},
		KindPeers:        {&Peers{}, &Peers{[]NodeRef{{nodeA, 5, []string{"10.0.0.1:4000"}}, {nodeB, 6, nil}}}},
		KindLeave:        {&Leave{5}},
		KindSuspects:     {&Suspects{nodeB, 6}},
		KindOverlay: {
			&Overlay{What: 6, Seq: 70_000},
			&Overlay{12, true, true, 3, 2, 1500, 1 << 50, refB, []NodeRef{refA}, []NodeRef{refA, refB}, []uint16{40, 0}},
		},
		KindGroupJoin:    {&GroupJoin{1, echo, entries[0]}},
		KindGroupLeave:   {&GroupLeave{2, echo, nodeA, 1}},
		KindGroupLookup:  {&GroupLookup{3, news, Version{}}, &GroupLookup{4, news, version}},
		KindGroupView:    {&GroupView{Seq: 3, Group: news, Version: version, LeaseMs: 10_000, Entries: entries}, &GroupView{PushSeq: 1, Group: news, Code: GroupNotRoot, Version: version}, &GroupView{PushSeq: 2, Group: news, Version: version, Entries: reliable, Mode: ModeTrees}},
		KindGroupAck:     {&GroupAck{1, GroupOK, version, ModeList}, &GroupAck{2, GroupOK, version, ModeTrees}},
		KindGroupReplica: {&GroupReplica{5, echo, version, entries, ModeTrees}},
		KindGroupPull:    {&GroupPull{6, echo}},
		KindLoadProbe:    {&LoadProbe{1, "echo"}},
		KindLoadReport:   {&LoadReport{1, "echo", load}},
		KindTell: {
			&Tell{Target: "iris/user/1", Body: Body{Data: []byte("hi")}},
			&Tell{"iris/user/1", "iris/user/2", nodeB, 5, ping, "trace-1"},
		},
		KindAsk:        {&Ask{77, "iris/user/1", 5000, ping, ""}},
		KindRequest:    {&Request{77, "echo", 5000, nil, ping, ""}, &Request{78, "echo", 0, key, ping, "trace-1"}},
		KindReply:      {&Reply{ID: 77, HasLoad: true, Load: load, Body: ping}, &Reply{ID: 78, Status: StatusError, Text: "no such order"}},
		KindWatch:      {&Watch{"iris/user/1", "iris/user/2"}},
		KindUnwatch:    {&Unwatch{"iris/user/1", "iris/user/2"}},
		KindTerminated: {&Terminated{"iris/user/2", "iris/user/1", 1}},
		KindStop:       {&Stop{"iris/user/2", true}},
		KindRoute: {
			&Route{Active: true, Seq: 7, ID: 9, Origin: refA, Key: nodeB, What: RouteLocate},
			&Route{true, true, 2, 8, 9, refB, nodeA, RouteLocated, refB},
		},
		KindEvent:     {&Event{"news", ping, "", false}, &Event{"news", ping, "t", true}},
		KindBroadcast: {&Broadcast{"echo", ping, ""}},
		KindTreeJoin:  {&TreeJoin{Group: news, Seq: 1, Members: 1}, &TreeJoin{feed, 1, 70_000, 2, 300, []id.ID{nodeA, nodeB}}},
		KindTreeAck: {
			&TreeAck{Group: feed, Stripe: 1, Seq: 2, Code: 3},
			&TreeAck{news, 0, 0, 1, true, []id.ID{nodeA, nodeB}, []id.ID{nodeB}, []TreeOther{{nodeB, 1500, 40}, {Node: nodeA}}, nodeA, []id.ID{nodeB}, ModeTrees},
		},
		KindTreeLeave:    {&TreeLeave{feed, 1}},
		KindTreeReplica:  {&TreeReplica{Group: news}, &TreeReplica{news, 1, []id.ID{nodeA, nodeB}}},
		KindTreeInvite:   {&TreeInvite{news, 1, nodeA}},
		KindTopicData:    {&TopicData{Group: news, Publisher: nodeA, Epoch: 1, Seq: 1}, &TopicData{feed, 1, nodeB, 1 << 40, 70_000, 2, true, ping, "trace-1"}},
		KindTopicSync:    {&TopicSync{Group: feed, Fresh: true}, &TopicSync{feed, 1, true, false, true, marks}},
		KindTopicDigest:  {&TopicDigest{Group: feed}, &TopicDigest{feed, 0, true, 3, marks}},
		KindTopicPull:    {&TopicPull{feed, 0, nodeA, 1 << 40, []TopicRange{{1, 1}, {3, 70_000}}}},
		KindTopicEnter:   {&TopicEnter{feed, 1}},
		KindLaneOpen:     {&LaneOpen{3}},
		KindChunk:        {&Chunk{1, 1, 300_000, true, []byte("the end")}},
		KindLarge:        {&Large{1}},
		KindTunnelOpen:   {&TunnelOpen{"archive", 4 << 20, 5000}},
		KindTunnelAccept: {&TunnelAccept{4 << 20}},
		KindTunnelRefuse: {&TunnelRefuse{CodeBusy, "too many tunnels"}},
		KindTunnelData:   {&TunnelData{true, []byte("first ")}, &TunnelData{false, []byte("and last")}},
		KindTunnelCredit: {&TunnelCredit{65_536}},
		KindTunnelEnd:    {&TunnelEnd{}},
		KindTunnelAbort:  {&TunnelAbort{CodeInternal, "disk full"}},
	}
}

func TestGoldenBytes(t *testing.T) {
	all := samples()
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			// One lane per kind, each frame twice: literal names, then indices.
			w := NewWriter()
			var stream []byte
			var text strings.Builder
			for _, f := range all[k] {
				for range 2 {
					b := mustAppend(t, w, nil, f)
					stream = append(stream, b...)
					text.WriteString(hex.EncodeToString(b) + "\n")
				}
			}
			if len(stream) == 0 {
				t.Fatal("no sample")
			}
			path := filepath.Join("testdata", k.String()+".hex")
			if *update {
				if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if text.String() != string(want) {
				t.Errorf("got\n%swant\n%s", text.String(), want)
			}
			r := NewReader(bytes.NewReader(stream), MaxFrame)
			for _, f := range all[k] {
				for range 2 {
					got, err := r.Next()
					if err != nil {
						t.Fatal(err)
					}
					if d := equal(got, f); d != "" {
						t.Error(d)
					}
				}
			}
		})
	}
}
