package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What other nodes answer is read if it is JSON of a bounded size; full pages with long texts fit.
func TestWhatOthersSayIsBounded(t *testing.T) {
	var actors Page[Actor]
	var peers Page[Peer]
	var brief Brief
	long, node := strings.Repeat("n", maxError), strings.Repeat("f", 32)
	for range maxItems {
		actors.Items = append(actors.Items, Actor{Path: long + long, Cluster: long, Type: long, LastError: long, Handled: 1 << 60, Busy: 1 << 60})
		lane := Lane{Name: "control", Queued: 1 << 30, Limit: 1 << 30, Sent: 1 << 50, SentBytes: 1 << 50, Refused: 1 << 50, Stalled: 1 << 50}
		peers.Items = append(peers.Items, Peer{ID: node, Name: long, Zone: long, Labels: map[string]string{"a": long, "b": long}, SentBytes: 1 << 60, Lanes: slices.Repeat([]Lane{lane}, 5)})
		brief.Links = append(brief.Links, Edge{Peer: node, RTT: 1_000_000, State: "suspect"})
	}
	for _, tc := range []struct {
		what   string
		answer any
		ok     bool
	}{
		{"actors", actors, true},
		{"peers", peers, true},
		{"brief", brief, true},
		{"node", json.RawMessage(`{"id":`), false},
		{"node", json.RawMessage(``), false},
		{"node", json.RawMessage(`{}{}`), false},
		{"node", json.RawMessage(`"` + strings.Repeat("x", maxReport) + `"`), false},
		{"brief", json.RawMessage(`"` + strings.Repeat("x", maxFew) + `"`), false},
		{"nexthop", json.RawMessage(`"` + strings.Repeat("x", maxFew) + `"`), false},
		{"do:drain", json.RawMessage(`"` + strings.Repeat("x", maxFew) + `"`), false},
	} {
		data, ok := tc.answer.(json.RawMessage)
		if !ok {
			var err error
			if data, err = json.Marshal(tc.answer); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %d bytes", tc.what, len(data))
		if err := said(Query{What: tc.what}, data); (err == nil) != tc.ok {
			t.Errorf("%s, %d bytes, %.20q: %v", tc.what, len(data), data, err)
		}
	}
}

// Of a node's words about itself only that is kept which can be true.
func TestBriefIsPlain(t *testing.T) {
	node, peer := strings.Repeat("1", 32), strings.Repeat("2", 32)
	b := Brief{
		ID: "another", Name: strings.Repeat("é", maxText), Zone: "z\xff", State: "<b>", Actors: -1, Error: "an error of its own", Age: 7,
		Links: []Edge{{Peer: "nobody"}, {Peer: peer, RTT: -5, State: "alive"}, {Peer: peer, State: "married"}, {Peer: peer}},
	}
	got := b.plain(node, 2)
	if got.ID != node || len(got.Name) > maxText+3 || got.State != "unknown" || got.Actors != 0 || got.Error != "" || got.Age != 0 {
		t.Errorf("%+v", got)
	}
	if want := []Edge{{Peer: peer, State: "alive"}, {Peer: peer, State: "unknown"}}; !slices.Equal(got.Links, want) {
		t.Errorf("links %+v, want %+v", got.Links, want)
	}
	for _, state := range nodeStates {
		if got := (Brief{State: state}).plain(node, 2).State; got != state {
			t.Errorf("%s became %s", state, got)
		}
	}
}

// Who was asked longest ago is asked first; who was not waited for has not failed.
func TestLongestUnheardFirst(t *testing.T) {
	h := heard{nodes: make(map[string]word)}
	nodes := []string{"a", "b", "c", "d", "e"}
	h.note(Brief{ID: "a"}, errors.New("silent"))
	h.note(Brief{ID: "b"}, nil)
	h.tried("c")
	now := time.Now()
	for _, tc := range []struct {
		after time.Duration
		want  string
	}{
		{0, "[d c]"}, // a failed and b answered just now
		{freshFor, "[d b c]"},
		{failedFor, "[d a b c]"},
	} {
		if got := fmt.Sprint(h.due(now.Add(tc.after), nodes, "e")); got != tc.want {
			t.Errorf("after %v: %s, want %s", tc.after, got, tc.want)
		}
	}
	if b := h.tell(now, "c", "unknown"); !strings.Contains(b.Error, "no time") {
		t.Errorf("who was not waited for: %+v", b)
	}
}
