package client

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"iris/node/relay/packet"
)

// honest is a relay that keeps to its credit, and counts what it ought to have.
type honest struct {
	flow     *flow
	credit   int    // of the relay; negative while a message is completed beyond it
	message  []byte // being sent
	sent     int    // of it
	expected [][]byte
}

func (h *honest) send(t *rapid.T, n int, first bool) {
	chunk := packet.TunTransfer{Payload: bytes.Clone(h.message[h.sent : h.sent+n])}
	if first {
		chunk.Size = uint64(len(h.message))
	}
	h.sent += n
	h.credit -= n
	discarded, err := h.flow.arrive(chunk)
	if err != nil {
		t.Fatal(err)
	}
	h.credit += discarded
	if h.sent == len(h.message) {
		h.expected = append(h.expected, h.message)
		h.message, h.sent = nil, 0
	}
}

// begin sends a first chunk. After an incomplete message credit is not needed.
func (h *honest) begin(t *rapid.T) {
	message := rapid.SliceOfN(rapid.Byte(), 1, h.flow.most).Draw(t, "message")
	n := rapid.IntRange(1, len(message)).Draw(t, "chunk")
	if h.message == nil && h.credit < n {
		t.Skip("no credit")
	}
	h.message, h.sent = message, 0
	h.send(t, n, true)
}

func (h *honest) proceed(t *rapid.T) {
	if h.message == nil {
		t.Skip("no message")
	}
	h.send(t, rapid.IntRange(1, len(h.message)-h.sent).Draw(t, "chunk"), false)
}

func (h *honest) receive(t *rapid.T) {
	got := h.flow.take()
	if len(h.expected) == 0 {
		if got != nil {
			t.Fatalf("received %x out of nothing", got)
		}
		return
	}
	if !bytes.Equal(got, h.expected[0]) {
		t.Fatalf("received %x, want %x", got, h.expected[0])
	}
	h.expected = h.expected[1:]
	h.credit += len(got)
}

// valid checks the invariants of flow.
func (h *honest) valid(t *rapid.T) {
	held := 0
	for _, m := range h.flow.waiting {
		held += len(m)
	}
	partial := h.flow.assembly.Partial()
	if held != h.flow.held {
		t.Fatalf("%d octets held, counted %d", held, h.flow.held)
	}
	if held+partial > h.flow.window+h.flow.most {
		t.Fatalf("%d octets wait", held+partial)
	}
	if want := h.flow.window - held - partial; h.credit != want {
		t.Fatalf("the relay has credit %d, want %d", h.credit, want)
	}
}

// TestFlow: with any honest relay nothing is lost, no credit is, and memory
// stays bounded.
func TestFlow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &honest{flow: &flow{window: 40, most: 15}, credit: 40}
		t.Repeat(map[string]func(*rapid.T){
			"begin": h.begin, "proceed": h.proceed, "receive": h.receive, "": h.valid,
		})
	})
}

// TestFlowBounds: a relay that ignores its credit is found out.
func TestFlowBounds(t *testing.T) {
	f := flow{window: 40, most: 15}
	message := packet.TunTransfer{Size: 10, Payload: make([]byte, 10)}
	for i := range 5 {
		if _, err := f.arrive(message); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := f.arrive(message); err == nil || err.Error() != "60 octets wait, at most 55" {
		t.Error(err)
	}
	part := packet.TunTransfer{Size: 10, Payload: make([]byte, 3)}
	if _, err := f.arrive(part); err != nil {
		t.Error(err)
	}
	part.Size = 0
	if _, err := f.arrive(part); err == nil || err.Error() != "56 octets wait, at most 55" {
		t.Error(err)
	}
	f.drop()
	if f.take() != nil || f.held != 0 {
		t.Error("something is left")
	}

	f = flow{window: packet.ClientWindow, most: 1}
	message = packet.TunTransfer{Size: 1, Payload: make([]byte, 1)}
	for i := range maxWaiting {
		if _, err := f.arrive(message); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := f.arrive(message); err == nil || !strings.Contains(err.Error(), "messages wait") {
		t.Error(err)
	}
}

// TestFlowCredit: no sum of grants overflows.
func TestFlowCredit(t *testing.T) {
	var f flow
	if f.pays(1) {
		t.Error("credit before the first grant")
	}
	f.grant(math.MaxUint64)
	f.grant(math.MaxUint64)
	f.spend(7)
	f.grant(3)
	if f.credit != math.MaxUint64-4 || !f.pays(math.MaxInt) {
		t.Errorf("credit %d", f.credit)
	}
}
