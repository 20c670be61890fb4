package actor

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// What a handler receives is its own: neither what comes later nor what it does to its neighbours changes it, and a small
// message that is kept keeps little more alive.
func TestLentMessagesAreCopied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 2*small), 1, 40).Draw(t, "messages")
		c := current{from: &Bundle{mem: bytes.Join(sent, nil)}}
		var kept []Bytes
		for _, m := range sent {
			c.begin, c.end = c.end, c.end+len(m)
			if own := c.own(); own == nil || !bytes.Equal(own, m) || len(m) <= small && cap(own) != len(m) {
				t.Fatalf("%v with room for %d, want %v", own, cap(own), m)
			} else {
				kept = append(kept, own)
			}
			if cap(c.room) > crumb {
				t.Fatalf("%d bytes for small messages", cap(c.room))
			}
		}
		clear(c.from.mem)
		for i, m := range sent {
			if !bytes.Equal(kept[i], m) {
				t.Fatalf("message %d became %v, was %v", i, kept[i], m)
			}
			_ = append(kept[i], 0xff)
			clear(kept[i])
		}
	})
}
