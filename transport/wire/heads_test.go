package wire

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Events by kept heads are the bytes that they are without, whatever comes between,
// also when names no longer enter the dictionary.
func TestKeptHeadsChangeNoByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fast, plain := NewWriter(), NewWriter()
		limit := rapid.SampledFrom([]int{300, 70_000, MaxFrame}).Draw(t, "limit")
		fast.SetLimit(limit)
		plain.SetLimit(limit)
		if rapid.Bool().Draw(t, "full") {
			for i := range MaxNames - 2 {
				f := &Event{Topic: fmt.Sprint("n", i)}
				_, err := fast.Append(nil, f)
				_, failure := plain.appendFrame(nil, f)
				if err != nil || failure != nil {
					t.Fatal(err, failure)
				}
			}
		}
		names := rapid.SampledFrom([]string{"", "news", "mews", "a", "b", "topic/with/a/longer/name"})
		sizes := rapid.SampledFrom([]int{0, 1, 16, 120, 127, 128, 255, 256, 290, 300, 65_535, 65_536, 69_990})
		for range rapid.IntRange(1, 40).Draw(t, "frames") {
			var f Frame = &Event{
				Topic: names.Draw(t, "topic"), Twin: rapid.Bool().Draw(t, "twin"), Trace: rapid.SampledFrom([]string{"", "", "t1"}).Draw(t, "trace"),
				Body: Body{Type: names.Draw(t, "type"), Data: bytes.Repeat([]byte{7}, sizes.Draw(t, "size"))},
			}
			if rapid.IntRange(0, 4).Draw(t, "other") == 0 {
				f = &Broadcast{Cluster: names.Draw(t, "cluster"), Body: f.(*Event).Body}
			}
			before := []byte("before")
			got, err := fast.Append(before, f)
			want, failure := plain.appendFrame(before, f)
			if !errors.Is(err, failure) && (err == nil || failure == nil || err.Error() != failure.Error()) {
				t.Fatalf("error %v, want %v", err, failure)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%x, want %x", got, want)
			}
		}
	})
}
