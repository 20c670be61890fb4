package packet

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzReader: no octets make a reader panic or break a limit, and what it
// returns is read as the same when it is written again.
func FuzzReader(f *testing.F) {
	for _, s := range samples {
		f.Add(s.side == FromRelay, append(greeting(s.side), octets(f, s.octets)...))
	}
	for _, s := range greetings {
		f.Add(s.side == FromRelay, octets(f, s.octets))
	}
	limits := Limits{Message: 100, Chunk: 10}
	f.Fuzz(func(t *testing.T, relay bool, stream []byte) {
		side := FromClient
		if relay {
			side = FromRelay
		}
		var packets []Packet
		var again []byte
		r := NewReader(bytes.NewReader(stream), side, limits)
		for {
			p, err := r.Next()
			if err != nil {
				break
			}
			packets = append(packets, p)
			again = Append(again, p)
		}
		if len(again) > len(stream) {
			t.Errorf("%d octets became %d", len(stream), len(again))
		}
		r = NewReader(bytes.NewReader(again), side, limits)
		for _, want := range packets {
			got, err := r.Next()
			if err != nil {
				t.Fatalf("%#v: %v", want, err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatal(d)
			}
		}
	})
}
