package transport

import (
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"iris/transport/wire"
)

// trickle is a stream on which pieces come at their times; then it is silent.
type trickle struct {
	pieces   []piece
	deadline time.Time
	set      int // how often a deadline was set
}

type piece struct {
	after time.Duration // since the one before
	data  []byte
}

func (s *trickle) SetReadDeadline(t time.Time) error {
	s.deadline = t
	s.set++
	return nil
}

func (s *trickle) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 && s.deadline.IsZero() {
		return 0, io.EOF // nothing would ever come
	}
	next := piece{after: time.Hour}
	if len(s.pieces) > 0 {
		next = s.pieces[0]
	}
	wait := time.NewTimer(next.after)
	defer wait.Stop()
	var late <-chan time.Time
	if !s.deadline.IsZero() {
		limit := time.NewTimer(time.Until(s.deadline))
		defer limit.Stop()
		late = limit.C
	}
	select {
	case <-wait.C:
		s.pieces = s.pieces[1:]
		return copy(p, next.data), nil
	case <-late:
		return 0, os.ErrDeadlineExceeded
	}
}

// A frame must come to its end in time; a lane may be silent between frames,
// and busy for ever.
func TestFramesTakeNoLongerThanAllowed(t *testing.T) {
	frame, err := wire.NewWriter().Append(nil, &wire.Leave{Incarnation: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	unknown := []byte{2, 0x91, 0x7f}
	half, rest := frame[:5], frame[5:]
	across := append(append([]byte{}, rest...), half...) // the end of one and the beginning of the next
	skipped := []byte{0x91, 0x7f, 2}                     // the same with frames of a kind that we do not know
	for name, c := range map[string]struct {
		pieces []piece
		want   error
		frames int
		after  time.Duration
	}{
		"silence":          {[]piece{{time.Hour, frame}, {time.Hour, frame}}, io.EOF, 2, 2 * time.Hour},
		"half a frame":     {[]piece{{time.Second, frame}, {time.Minute, half}}, errSilentFrame, 1, 61*time.Second + frameTimeout},
		"byte by byte":     {repeat(piece{time.Second, half[:1]}, 1, piece{20 * time.Second, half[1:2]}, 5), errSilentFrame, 0, time.Second + frameTimeout},
		"slow but in time": {[]piece{{time.Second, half}, {frameTimeout - time.Second, rest}, {time.Hour, half}, {time.Second, rest}}, io.EOF, 2, time.Hour + time.Second + frameTimeout},
		"always busy":      {repeat(piece{time.Second, half}, 1, piece{5 * time.Second, across}, 500), errSilentFrame, 500, 2501*time.Second + frameTimeout},
		"busy with what we do not know": {
			repeat(piece{time.Second, unknown[:1]}, 1, piece{5 * time.Second, skipped}, 500), errSilentFrame, 0, 2501*time.Second + frameTimeout,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &trickle{pieces: c.pieces}
				r := newFrames(s, wire.MaxFrame)
				began := time.Now()
				got := 0
				var err error
				for ; err == nil; got++ {
					_, err = r.Next()
				}
				took := time.Since(began)
				if !errors.Is(err, c.want) || got-1 != c.frames {
					t.Errorf("%d frames, then %v after %v; want %d, %v", got-1, err, took, c.frames, c.want)
				}
				// A deadline moves on in steps, so it may be a quarter short.
				if took > c.after || took < c.after-frameTimeout/4-5*time.Second {
					t.Errorf("ended after %v, want %v", took, c.after)
				}
				if s.set > len(c.pieces)+2 {
					t.Errorf("%d deadlines set for %d reads", s.set, len(c.pieces))
				}
			})
		})
	}
}

func repeat(first piece, n int, then piece, m int) []piece {
	var out []piece
	for range n {
		out = append(out, first)
	}
	for range m {
		out = append(out, then)
	}
	return out
}
