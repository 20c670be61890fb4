package transport

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// sluggish is a stream that takes so many bytes of a write before its deadline passes.
type sluggish struct {
	nowhere
	each int
	got  []byte
}

func (s *sluggish) Write(b []byte) (int, error) {
	n := min(len(b), s.each)
	s.got = append(s.got, b[:n]...)
	if n < len(b) {
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

// The time for a write is enough for a peer that takes what it has to in it: the rest follows, and nothing is written
// twice. One that takes less breaks the lane.
func TestASlowPeerHasTimeForTheRestOfAWrite(t *testing.T) {
	data := make([]byte, 3*maxWrite/2)
	for i := range data {
		data[i] = byte(i >> 8)
	}
	for _, c := range []struct {
		each int
		ok   bool
	}{{maxWrite, true}, {leastTaken, true}, {leastTaken + 1, true}, {leastTaken - 1, false}, {0, false}} {
		s := &sluggish{each: c.each}
		l, _ := testLane(t, len(data), nil)
		var stream sendStream = s
		err := l.flush(&stream, data)
		if c.ok && (err != nil || !bytes.Equal(s.got, data)) {
			t.Errorf("%d bytes each: %d of %d, %v", c.each, len(s.got), len(data), err)
		}
		if !c.ok && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d bytes each: %v", c.each, err)
		}
	}
}

// A crowd is remembered over the lone frames between its waves, and forgotten soon.
func TestCrowd(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames []int
		want   bool // after the last
	}{
		{"nothing yet", nil, false},
		{"a lone sender", []int{1, 1, 1}, false},
		{"two", []int{1, 2}, true},
		{"the first of the next wave", []int{64, 1}, true},
		{"several waves broken up", []int{64, 1, 3, 1, 1}, true},
		{"only one is left", append([]int{64}, ones(32)...), false},
	} {
		var x crowd
		got := false
		for _, n := range c.frames {
			got = x.saw(n)
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func ones(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = 1
	}
	return list
}
