package tunnels

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/transport/wire"
	"iris/tunnels/flow"
)

// raw is a peer that speaks bytes.
type raw struct {
	t      testing.TB
	stream Stream

	mu   sync.Mutex
	seen []wire.Frame // frames from the tunnel end under test, chunks as copies
}

// newRaw makes a tunnel end whose peer is raw. What the end sends is collected.
func newRaw(t testing.TB, c Config, credit uint64) (end, *raw) {
	t.Helper()
	x, y := newPipe()
	a := newEnd(t, x, nodeB, c, credit)
	p := &raw{t: t, stream: y}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.collect()
	}()
	t.Cleanup(func() {
		a.Abort(errTestOver)
		giveUp(y, 0)
		stop(a)
		<-done
	})
	return a, p
}

func (p *raw) collect() {
	frames := newFrameReader(p.stream, newReaders())
	for {
		h, err := frames.next()
		if err != nil {
			return
		}
		f := h.frame
		if f == nil {
			data := make([]byte, h.n)
			if frames.payload(data) != nil {
				return
			}
			f = &wire.TunnelData{More: h.more, Data: data}
		}
		p.mu.Lock()
		p.seen = append(p.seen, f)
		p.mu.Unlock()
	}
}

func (p *raw) frames() []wire.Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]wire.Frame(nil), p.seen...)
}

// send writes frames; the end under test may be gone half way.
func (p *raw) send(frames ...wire.Frame) {
	for _, f := range frames {
		_, _ = p.stream.Write(encode(f))
	}
}

func TestViolationsCloseTheTunnelAndNothingElse(t *testing.T) {
	frame := func(f wire.Frame) []byte { return encode(f) }
	end := frame(&wire.TunnelEnd{})
	tests := []struct {
		name  string
		bytes []byte
	}{
		{"data beyond the credit", frame(&wire.TunnelData{Data: make([]byte, 32<<10)})},
		{"empty chunks beyond the credit", []byte(strings.Repeat(string(frame(&wire.TunnelData{})), 16<<10/flow.Overhead+1))},
		{"oversized chunk", append([]byte{0x85, 0x80, 0x08, 0x93, 73, 0xc2, 0xc6, 0, 2, 0, 0}, make([]byte, 1<<17)...)},
		{"chunk longer than its frame", []byte{10, 0x93, 73, 0xc2, 0xc5, 0xff, 0xff, 0, 0, 0, 0}},
		{"chunk shorter than its frame", []byte{8, 0x93, 73, 0xc2, 0xc4, 1, 'x', 'y', 'z'}},
		{"chunk without flag", []byte{6, 0x93, 73, 7, 0xc4, 1, 'x'}},
		{"chunk without data", []byte{3, 0x92, 73, 0xc2}},
		{"chunk with a string", []byte{5, 0x93, 73, 0xc2, 0xa1, 'x'}},
		{"chunk in a long form", []byte{7, 0x93, 0xcc, 73, 0xc2, 0xc4, 1, 'x'}},
		{"frame beyond the limit", []byte{0xff, 0xff, 0xff, 0x7f}},
		{"endless length", []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80}},
		{"empty frame", []byte{0}},
		{"garbage", []byte(strings.Repeat("GET / HTTP/1.1\r\n", 10))},
		{"credit of nothing", frame(&wire.TunnelCredit{})},
		{"credit that wraps", frame(&wire.TunnelCredit{Bytes: math.MaxUint64})},
		{"second opening", frame(&wire.TunnelOpen{Cluster: "x"})},
		{"second accept", frame(&wire.TunnelAccept{})},
		{"late refusal", frame(&wire.TunnelRefuse{})},
		{"frame of a lane", frame(&wire.GoodbyeAck{})},
		{"data after the end", append(end, frame(&wire.TunnelData{Data: []byte("x")})...)},
		{"two ends", append(end, end...)},
		{"end inside a message", append(frame(&wire.TunnelData{More: true, Data: []byte("x")}), end...)},
		{"large frame that is none of ours", append([]byte{0x84, 0x20, 0x92, 0x02, 0xc4}, make([]byte, 1<<13)...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, p := newRaw(t, Config{Window: 16 << 10}, 1<<20)
				go func() { _, _ = p.stream.Write(tt.bytes) }()
				<-a.Done()
				var e *Error
				if !errors.As(a.failure(), &e) || e.What != whatViolation || e.Code != wire.CodeProtocol || e.Remote {
					t.Fatalf("ended with %v", a.failure())
				}
				_, err := a.Recv(context.Background())
				wantErr(t, err, actor.ErrClosed)
				wantErr(t, a.Send(context.Background(), nil), actor.ErrClosed)
				synctest.Wait()
				if _, n, ends := a.counts(); n != 1 || ends != 1 {
					t.Fatalf("%d violations, %d ends reported", n, ends)
				}
				seen := p.frames()
				if len(seen) == 0 {
					t.Fatal("the peer was told nothing")
				}
				if f, ok := seen[len(seen)-1].(*wire.TunnelAbort); !ok || f.Code != wire.CodeProtocol || f.Reason == "" {
					t.Fatalf("the peer was told %#v", seen[len(seen)-1])
				}
			})
		})
	}
}

func TestUnknownFramesAndFieldsAreSkipped(t *testing.T) {
	a, p := newRaw(t, Config{}, 1<<20)
	_, _ = p.stream.Write([]byte{4, 0x92, 99, 0x91, 7})                                 // unknown kind
	_, _ = p.stream.Write(append([]byte{0x80, 0x20, 0x91, 120}, make([]byte, 4094)...)) // a large one
	_, _ = p.stream.Write([]byte{9, 0x95, 73, 0xc2, 0xc4, 2, 'h', 'i', 1, 2})           // two more fields
	p.send(&wire.TunnelData{Data: []byte("there")})
	wantRecv(t, a, "hi")
	wantRecv(t, a, "there")
}

func TestStreamsThatEndTooEarly(t *testing.T) {
	tests := []struct {
		name  string
		bytes []byte
	}{
		{"at once", nil},
		{"inside a length", []byte{0x80}},
		{"inside a header", []byte{20, 0x93, 73}},
		{"inside a chunk", []byte{20, 0x93, 73, 0xc2, 0xc4, 15, 'a', 'b'}},
		{"without End", encode(&wire.TunnelData{Data: []byte("x")})},
		{"before our End", encode(&wire.TunnelEnd{})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, p := newRaw(t, Config{}, 1<<20)
				if tt.bytes != nil {
					_, _ = p.stream.Write(tt.bytes)
				}
				_ = p.stream.Close()
				<-a.Done()
				wantErr(t, a.Send(context.Background(), []byte("x")), actor.ErrLost)
			})
		})
	}
}

// A peer that answers an abort with silence is cut off after the linger time.
func TestAbortOfADeafPeerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := newPipe()
		a := newEnd(t, x, nodeB, Config{}, 1<<20)
		go func() { _ = a.Send(context.Background(), make([]byte, 100_000)) }()
		synctest.Wait() // the writer hangs in Write: nobody reads y
		start := time.Now()
		a.Abort(errTestOver)
		<-a.Done()
		if took := time.Since(start); took != lingerTimeout {
			t.Fatalf("took %v", took)
		}
		a.work.Wait()
		_, _ = io.Copy(io.Discard, y)
	})
}

// Memory follows the credit: whatever a peer sends, no more than a window waits.
func TestHostileFloodIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const window = 256 << 10
		a, p := newRaw(t, Config{Window: window}, 1<<20)
		one := encode(&wire.TunnelData{Data: []byte{1}})
		for range window / int(flow.Cost(1)) {
			if _, err := p.stream.Write(one); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		a.in.mu.Lock()
		bytes := 0
		for i := range a.in.store.segs.len() {
			bytes += len(a.in.store.segs.at(i).buf)
		}
		marks := cap(a.in.store.marks.items) * 8
		a.in.mu.Unlock()
		if bytes+marks > window {
			t.Fatalf("%d bytes of segments and %d of marks for a window of %d", bytes, marks, window)
		}
		if _, n, _ := a.counts(); n != 0 {
			t.Fatal("accused for staying within the credit")
		}
	})
}
