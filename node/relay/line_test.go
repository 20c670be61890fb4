package relay

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"iris/node/relay/packet"
)

// Messages leave as they came, with their credit, and hold little more than their octets.
func TestLineModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type waits struct {
			octets []byte
			held   uint64
		}
		var l line
		var want []waits
		sizes := rapid.SampledFrom([]int{1, 2, 127, 128, 1000, smallMessage - 1, smallMessage, fullPack})
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			default:
				m := bytes.Repeat([]byte{byte(len(want))}, sizes.Draw(t, "size"))
				held := uint64(len(m))
				if rapid.IntRange(0, 9).Draw(t, "granted") == 0 {
					held = 1
				}
				l.push(bytes.Clone(m), held)
				want = append(want, waits{m, held})
			case 0, 1, 2:
				if len(want) == 0 {
					continue
				}
				m, held := l.pop()
				if !bytes.Equal(m, want[0].octets) || held != want[0].held {
					t.Fatalf("%d octets with %d came, want %d with %d", len(m), held, len(want[0].octets), want[0].held)
				}
				want = want[1:]
			}
			if l.empty() != (len(want) == 0) {
				t.Fatalf("empty: %v, with %d", l.empty(), len(want))
			}
		}
		sum := uint64(0)
		for _, w := range want {
			sum += w.held
		}
		if held := l.clear(); held != sum || !l.empty() {
			t.Fatalf("%d octets were held, want %d", held, sum)
		}
	})
}

// A window of the smallest messages is held in twice as many octets, and what memory is got in advance.
func TestLineOfTheSmallestMessages(t *testing.T) {
	var l line
	for range packet.RelayWindow {
		l.push([]byte("x"), 1)
	}
	octets := 0
	for _, p := range l.packs {
		octets += cap(p.octets)
	}
	if most := 3 * packet.RelayWindow; octets+64*len(l.packs) > most {
		t.Errorf("%d octets in %d packs", octets, len(l.packs))
	}
}
