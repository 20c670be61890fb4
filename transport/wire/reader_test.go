package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// prefixed returns body as a frame on a stream.
func prefixed(body []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(body))), body...)
}

// seq concatenates bytes and strings, to write frames by hand.
func seq(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

func TestReaderRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	for _, tc := range []struct {
		name   string
		stream []byte
		kind   Kind
		reason string
	}{
		{"length 0", seq(0), 0, reasonEmpty},
		{"length 0 in two bytes", seq(0x80, 0x00), 0, reasonEmpty},
		{"length one over the limit", binary.AppendUvarint(nil, MaxFrame+1), 0, reasonTooLarge},
		{"length 2^32-1", binary.AppendUvarint(nil, 1<<32-1), 0, reasonTooLarge},
		{"length 2^63", binary.AppendUvarint(nil, 1<<63), 0, reasonPrefix},
		{"length without end", seq(0x80, 0x80, 0x80, 0x80, 0x80, 0x80), 0, reasonPrefix},
		{"cut inside the prefix", seq(0x80), 0, reasonEOF},
		{"cut inside the frame", seq(5, 0x92, 10), 0, reasonEOF},
		{"not an array", prefixed(seq(0xc0)), 0, reasonShape},
		{"array without a kind", prefixed(seq(0x90)), 0, reasonShape},
		{"kind is a string", prefixed(seq(0x91, 0xa1, "x")), 0, reasonShape},
		{"kind is negative", prefixed(seq(0x91, 0xff)), 0, reasonShape},
		{"array32 of 2^32-1", prefixed(seq(0xdd, 0xff, 0xff, 0xff, 0xff, 10)), 0, reasonShape},
		{"missing field", prefixed(seq(0x91, 10)), KindLeave, reasonMissing},
		{"missing last field", prefixed(seq(0x92, 25, 1)), KindLoadReport, reasonMissing},
		{"missing field of a nested array", prefixed(seq(0x94, 25, 1, 0xa1, "c", 0x93, 1, 1, 0xc2)), KindLoadReport, reasonMissing},
		{"wrong type for an integer", prefixed(seq(0x92, 10, 0xc3)), KindLeave, reasonType},
		{"float for an integer", prefixed(seq(0x92, 10, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0)), KindLeave, reasonType},
		{"NaN for an integer", prefixed(seq(0x92, 10, 0xca, 0x7f, 0xc0, 0, 0)), KindLeave, reasonType},
		{"negative fixint", prefixed(seq(0x92, 10, 0xff)), KindLeave, reasonRange},
		{"negative int64", prefixed(seq(0x92, 10, 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0)), KindLeave, reasonRange},
		{"out of range for uint8", prefixed(seq(0x92, 60, 0xcd, 1, 0)), KindLaneOpen, reasonRange},
		{"integer for a bool", prefixed(seq(0x93, 39, 0xa1, "x", 1)), KindStop, reasonType},
		{"str for bin", prefixed(seq(0x93, 73, 0xc2, 0xa1, "x")), KindTunnelData, reasonType},
		{"bin32 of 4 GiB", prefixed(seq(0x93, 73, 0xc2, 0xc6, 0xff, 0xff, 0xff, 0xff)), KindTunnelData, reasonLong},
		{"bin longer than the frame", prefixed(seq(0x93, 73, 0xc2, 0xc4, 9, 1)), KindTunnelData, reasonCut},
		{"str32 of 4 GiB for a name", prefixed(seq(0x93, 24, 1, 0xdb, 0xff, 0xff, 0xff, 0xff)), KindLoadProbe, reasonTooLong},
		{"chunk over its limit", prefixed(seq(0x93, 73, 0xc2, 0xc6, 0, 1, 0, 1, make([]byte, MaxChunk+1))), KindTunnelData, reasonLong},
		{"id of 15 bytes", prefixed(seq(0x93, 11, 0xc4, 15, "123456789012345", 1)), KindSuspects, reasonRange},
		{"id as str", prefixed(seq(0x93, 11, 0xb0, "1234567890123456", 1)), KindSuspects, reasonType},
		{"empty name", prefixed(seq(0x93, 24, 1, 0xa0)), KindLoadProbe, reasonNameEmpty},
		{"name over its limit", prefixed(seq(0x93, 24, 1, 0xda, 1, 0, long)), KindLoadProbe, reasonTooLong},
		{"name of invalid UTF-8", prefixed(seq(0x93, 24, 1, 0xa2, 0xc3, 0x28)), KindLoadProbe, reasonUTF8},
		{"name with NUL", prefixed(seq(0x93, 24, 1, 0xa1, 0)), KindLoadProbe, reasonControl},
		{"name with DEL", prefixed(seq(0x93, 24, 1, 0xa1, 0x7f)), KindLoadProbe, reasonControl},
		{"name with C1 control", prefixed(seq(0x93, 24, 1, 0xa2, 0xc2, 0x85)), KindLoadProbe, reasonControl},
		{"index never defined", prefixed(seq(0x93, 24, 1, 0)), KindLoadProbe, reasonIndex},
		{"index 2^32", prefixed(seq(0x93, 24, 1, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0)), KindLoadProbe, reasonRange},
		{"nil for a name", prefixed(seq(0x93, 24, 1, 0xc0)), KindLoadProbe, reasonType},
		{"text of invalid UTF-8", prefixed(seq(0x93, 2, 0, 0xa1, 0xff)), KindHelloAck, reasonUTF8},
		{"too many addresses", prefixed(seq(0x98, 1, 1, 1, 0, 0, 0xdc, 0, MaxAddrs+1, bytes.Repeat([]byte{0xa0}, MaxAddrs+1), 0xa0, 0xa0)), KindHello, reasonCount},
		{"addresses claimed, not there", prefixed(seq(0x98, 1, 1, 1, 0, 0, 0xdd, 0, 0, 0, 30, 0xa0, 0xa0)), KindHello, reasonCut},
		{"nodes claimed, not there", prefixed(seq(0x92, 9, 0xdc, 1, 0xff, 0x93, 0xc0, 0, 0x90)), KindPeers, reasonCut},
		{"group of kind 0", prefixed(seq(0x93, 22, 1, 0x92, 0, 0xa1, "g")), KindGroupPull, reasonRange},
		{"key of 3 bytes", prefixed(seq(0x98, 34, 1, 0xa1, "c", 1, 0xc4, 3, "abc", 0xa0, 0xc4, 0, 0xa0)), KindRequest, reasonRange},
		{"bytes after the array", prefixed(seq(0x92, 10, 1, 0xc0)), KindLeave, reasonTrailing},
		{"trailing field cut off", prefixed(seq(0x93, 10, 1, 0xa5, "abc")), KindLeave, reasonExtra},
		{"trailing field is a bomb", prefixed(seq(0x93, 10, 1, 0xdd, 0xff, 0xff, 0xff, 0xff)), KindLeave, reasonExtra},
		{"trailing field nested 40 deep", prefixed(seq(0x93, 10, 1, bytes.Repeat([]byte{0x91}, 40), 0xc0)), KindLeave, reasonExtra},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(tc.stream), MaxFrame)
			for range 2 { // the error is final
				f, err := r.Next()
				var pe *ProtocolError
				if !errors.As(err, &pe) {
					t.Fatalf("Next = %#v, %v", f, err)
				}
				if pe.Kind != tc.kind || pe.Reason != tc.reason {
					t.Fatalf("got %v %q, want %v %q", pe.Kind, pe.Reason, tc.kind, tc.reason)
				}
			}
		})
	}
}

func TestReaderAcceptsOtherIntegerFormats(t *testing.T) {
	for _, n := range [][]byte{{7}, {0xcc, 7}, {0xcd, 0, 7}, {0xce, 0, 0, 0, 7}, {0xcf, 0, 0, 0, 0, 0, 0, 0, 7}, {0xd0, 7}, {0xd1, 0, 7}, {0xd2, 0, 0, 0, 7}, {0xd3, 0, 0, 0, 0, 0, 0, 0, 7}} {
		f, err := Decode(seq(0x92, 10, n))
		if err != nil || f.(*Leave).Incarnation != 7 {
			t.Errorf("% x: %#v, %v", n, f, err)
		}
	}
}

func TestReaderSkipsUnknownKinds(t *testing.T) {
	var stream []byte
	stream = append(stream, prefixed(seq(0x92, 0xcc, 200, 0xa3, "new"))...)
	stream = append(stream, prefixed(seq(0x91, 0xcd, 1, 10))...) // 266, not 10
	stream = mustAppend(t, NewWriter(), stream, &Leave{1})
	stream = append(stream, prefixed(seq(0x91, 0))...)
	r := NewReader(bytes.NewReader(stream), MaxFrame)
	f, err := r.Next()
	if err != nil || f.(*Leave).Incarnation != 1 {
		t.Fatalf("Next = %#v, %v", f, err)
	}
	if n := r.Skipped(); n != 2 {
		t.Fatalf("skipped %d, want 2", n)
	}
	if _, err := r.Next(); err != io.EOF || r.Skipped() != 3 {
		t.Fatalf("Next = %v, skipped %d", err, r.Skipped())
	}
	if _, err := Decode(seq(0x91, 0xcc, 200)); err != ErrUnknownKind {
		t.Fatalf("Decode of an unknown kind = %v", err)
	}
}

func TestReaderIgnoresTrailingFields(t *testing.T) {
	for _, b := range [][]byte{
		seq(0x94, 10, 7, 0xa3, "new", 0x81, 0xa1, "k", 0x92, 1, 2),                  // of the frame
		seq(0xdc, 0, 3, 10, 7, 0xc0),                                                // array16
		seq(0x94, 25, 7, 0xa1, "c", 0x96, 1, 2, 0xc3, 4, 0xa3, "new", 0x91, 0xc0),   // of a nested array
		seq(0x95, 25, 7, 0xa1, "c", 0x95, 1, 2, 0xc3, 4, 0xc0, 0xc4, 3, "new"),      // of both
		seq(0x93, 22, 7, 0x94, 1, 0xa1, "g", 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1, 9), // NaN in one that is ignored
		seq(0x9f, 10, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13),                 // many
		seq(0x93, 10, 0xcf, 0, 0, 0, 0, 0, 0, 0, 7, 0xc7, 2, 1, 0xaa, 0xbb),         // ext
		seq(0x93, 10, 7, 0xdc, 0, 20, bytes.Repeat([]byte{0xc0}, 20)),               // array16
		seq(0x93, 10, 7, bytes.Repeat([]byte{0x91}, 32), 0xc0),                      // nested 32 deep
		seq(0x92, 0xcc, 10, 7), // kind in a wide format
	} {
		f, err := Decode(b)
		if err != nil {
			t.Errorf("% x: %v", b, err)
			continue
		}
		switch f := f.(type) {
		case *Leave:
			if f.Incarnation != 7 {
				t.Errorf("%#v", f)
			}
		case *LoadReport:
			if want := (LoadReport{7, "c", Load{1, 2, true, 4}}); *f != want {
				t.Errorf("%#v", f)
			}
		case *GroupPull:
			if want := (GroupPull{7, Group{1, "g"}}); *f != want {
				t.Errorf("%#v", f)
			}
		}
	}
}

func TestReaderEndsBetweenFrames(t *testing.T) {
	stream := mustAppend(t, NewWriter(), nil, &Leave{1})
	r := NewReader(iotest.DataErrReader(bytes.NewReader(stream)), MaxFrame)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Next(); err != io.EOF {
			t.Fatalf("Next = %v", err)
		}
	}
}

// scripted returns one piece, or one error, per Read.
type scripted struct {
	steps []any
	r     *Reader
	seen  []bool // Pending at each Read
}

func (s *scripted) Read(p []byte) (int, error) {
	if s.r != nil {
		s.seen = append(s.seen, s.r.Pending())
	}
	if len(s.steps) == 0 {
		return 0, io.EOF
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	if err, ok := step.(error); ok {
		return 0, err
	}
	n := copy(p, step.([]byte))
	if rest := step.([]byte)[n:]; len(rest) > 0 {
		s.steps = slices.Insert(s.steps, 0, any(rest))
	}
	return n, nil
}

func TestReaderGoesOnAfterADeadline(t *testing.T) {
	b := mustAppend(t, NewWriter(), nil, &Suspects{nodeA, 9})
	src := &scripted{steps: []any{os.ErrDeadlineExceeded, b[:5], os.ErrDeadlineExceeded, b[5:]}}
	src.r = NewReader(src, MaxFrame)
	for range 2 {
		if _, err := src.r.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	f, err := src.r.Next()
	if err != nil || *f.(*Suspects) != (Suspects{nodeA, 9}) {
		t.Fatalf("Next = %#v, %v", f, err)
	}
	want := []bool{false, false, true, true}
	for i := range want {
		if src.seen[i] != want[i] {
			t.Fatalf("Pending at each read: %v, want %v", src.seen, want)
		}
	}
}

func TestReaderGivesUpOnASourceThatReturnsNothing(t *testing.T) {
	src := &scripted{}
	for range 2 * emptyReads {
		src.steps = append(src.steps, []byte{})
	}
	if _, err := NewReader(src, MaxFrame).Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Fatal(err)
	}
}

func TestReadyTellsWhetherAFrameIsAtHand(t *testing.T) {
	w := NewWriter()
	b := mustAppend(t, w, nil, &Leave{1})
	b = mustAppend(t, w, b, &Leave{2})
	b = mustAppend(t, w, b, &Leave{3})
	src := &scripted{steps: []any{b[:len(b)-1], b[len(b)-1:]}}
	r := NewReader(src, MaxFrame)
	for i, want := range []bool{false, true, false} {
		if got := r.Ready(); got != want {
			t.Fatalf("frame %d: Ready = %v", i, got)
		}
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFramesAreReusedPerKind(t *testing.T) {
	w := NewWriter()
	b := mustAppend(t, w, nil, &Event{Topic: "a", Body: Body{"t", []byte("1")}, Trace: "x"})
	b = mustAppend(t, w, b, &Event{Topic: "b"})
	r := NewReader(bytes.NewReader(b), MaxFrame)
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Fatal("a second frame was allocated")
	}
	if d := equal(second, &Event{Topic: "b"}); d != "" {
		t.Fatalf("something of the first is left: %s", d)
	}
}

// The buffer follows the bytes that arrive, never the claimed length.
func TestReaderMemoryFollowsTheBytes(t *testing.T) {
	claim := append(binary.AppendUvarint(nil, MaxFrame), 0x94, 48, 0xa1)
	r := NewReader(bytes.NewReader(claim), MaxFrame)
	if _, err := r.Next(); err == nil {
		t.Fatal("accepted")
	}
	if len(r.buf) > idleSize {
		t.Fatalf("%d bytes for 3 that arrived", len(r.buf))
	}

	half := append(claim, make([]byte, 100<<10)...)
	r = NewReader(bytes.NewReader(half), MaxFrame)
	if _, err := r.Next(); err == nil {
		t.Fatal("accepted")
	}
	if len(r.buf) > 2*len(half) {
		t.Fatalf("%d bytes for %d that arrived", len(r.buf), len(half))
	}
}

func TestReaderShrinksAfterALargeFrame(t *testing.T) {
	w := NewWriter()
	large := mustAppend(t, w, nil, &Event{Topic: "news", Body: Body{Data: make([]byte, MaxFrame-20)}})
	small := mustAppend(t, w, nil, &Event{Topic: "news"})
	src := &scripted{}
	for rest := large; len(rest) > 0; {
		n := min(len(rest), 1000)
		src.steps = append(src.steps, rest[:n])
		rest = rest[n:]
	}
	for range 2000 {
		src.steps = append(src.steps, small)
	}
	r := NewReader(src, MaxFrame)
	next := func() {
		t.Helper()
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	next()
	if n := len(r.buf); n < len(large) || n > MaxFrame+MaxFrame/16 {
		t.Fatalf("%d bytes for a frame of %d", n, len(large))
	}
	next()
	if n := len(r.buf); n > batchSize {
		t.Fatalf("still %d bytes", n)
	}
	for range 1000 {
		next()
	}
	if n := len(r.buf); n > idleSize {
		t.Fatalf("still %d bytes on a quiet lane", n)
	}
}

func TestReaderGrowsOnABusyLane(t *testing.T) {
	w := NewWriter()
	var stream []byte
	for range 20_000 {
		stream = mustAppend(t, w, stream, &Event{Topic: "news"})
	}
	r := NewReader(bytes.NewReader(stream), MaxFrame)
	for range 20_000 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(r.buf); n != batchSize {
		t.Fatalf("%d bytes, want %d", n, batchSize)
	}
}

// Large frames, one after the other, cost the room for one of them.
func TestLargeFramesShareTheirRoom(t *testing.T) {
	const frames, payload = 200, 64 << 10
	r := largeFrames(t, payload)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range frames {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	bytes := (after.TotalAlloc - before.TotalAlloc) / frames
	if bytes > payload/2 { // none at all but for buffers that the pool lost
		t.Errorf("%d bytes allocated for each frame of %d", bytes, payload)
	}
}

// largeFrames returns a Reader of events of n bytes, without end.
func largeFrames(t testing.TB, n int) *Reader {
	r, _ := known(t, &Event{Topic: "news", Body: Body{Data: make([]byte, n)}})
	return r
}

func BenchmarkDecodeLarge(b *testing.B) {
	for _, n := range []int{16 << 10, 64 << 10, 256 << 10} {
		b.Run(fmt.Sprint(n>>10, "KiB"), func(b *testing.B) {
			r := largeFrames(b, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
