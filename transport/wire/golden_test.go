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
	ping := Body{"shop.Ping", []byte{0x81, 0xa1, 'n', 0x01}}
	key := []byte("0123456789abcdef")

	return map[Kind][]Frame{
		KindHello: {&Hello{
			Version: 1, Incarnation: 1 << 40, Role: RoleTunnels, Features: 0,
			Addrs: []string{"10.0.0.1:4000", "[::1]:4000"}, Zone: "eu", Name: "gopher-1",
			Labels: []string{"disk", "ssd"},
		}},
		KindHelloAck:     {&HelloAck{}, &HelloAck{CodeVersion, "want version 2, got 1"}},
		KindGoodbye:      {&Goodbye{CodeLeave, "stopped by operator", 2}},
		KindGoodbyeAck:   {&GoodbyeAck{}},
		KindHeartbeat:    {&Heartbeat{Seq: 7, Health: 1}, &Heartbeat{Seq: 1 << 33, Pad: make([]byte, 120)}},
		KindHeartbeatAck: {&HeartbeatAck{Seq: 7}, &HeartbeatAck{Seq: 1 << 63, Health: 200}},
		KindProbe:        {&Probe{9, nodeB}},
		KindProbeResult:  {&ProbeResult{9, nodeB, true, 300}},
		KindPeers:        {&Peers{}, &Peers{[]NodeRef{{nodeA, 5, []string{"10.0.0.1:4000"}}, {nodeB, 6, nil}}}},
		KindLeave:        {&Leave{5}},
		KindSuspects:     {&Suspects{nodeB, 6}},
		KindGroupJoin:    {&GroupJoin{1, echo, entries[0]}},
		KindGroupLeave:   {&GroupLeave{2, echo, nodeA, 1}},
		KindGroupLookup:  {&GroupLookup{3, news, Version{}}, &GroupLookup{4, news, version}},
		KindGroupView:    {&GroupView{Seq: 3, Group: news, Version: version, LeaseMs: 10_000, Entries: entries}, &GroupView{PushSeq: 1, Group: news, Code: GroupNotRoot, Version: version}},
		KindGroupAck:     {&GroupAck{1, GroupOK, version}},
		KindGroupReplica: {&GroupReplica{5, echo, version, entries}},
		KindGroupPull:    {&GroupPull{6, echo}},
		KindLoadProbe:    {&LoadProbe{1, "echo"}},
		KindLoadReport:   {&LoadReport{1, "echo", load}},
		KindTell: {
			&Tell{Target: "iris/user/1", Body: Body{Data: []byte("hi")}},
			&Tell{"iris/user/1", "iris/user/2", nodeB, 5, ping, "trace-1"},
		},
		KindAsk:          {&Ask{77, "iris/user/1", 5000, ping, ""}},
		KindRequest:      {&Request{77, "echo", 5000, nil, ping, ""}, &Request{78, "echo", 0, key, ping, "trace-1"}},
		KindReply:        {&Reply{ID: 77, HasLoad: true, Load: load, Body: ping}, &Reply{ID: 78, Status: StatusError, Text: "no such order"}},
		KindWatch:        {&Watch{"iris/user/1", "iris/user/2"}},
		KindUnwatch:      {&Unwatch{"iris/user/1", "iris/user/2"}},
		KindTerminated:   {&Terminated{"iris/user/2", "iris/user/1", 1}},
		KindStop:         {&Stop{"iris/user/2", true}},
		KindEvent:        {&Event{"news", ping, ""}},
		KindBroadcast:    {&Broadcast{"echo", ping, ""}},
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
