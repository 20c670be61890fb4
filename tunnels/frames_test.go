package tunnels

import (
	"bytes"
	"io"
	"testing"

	"iris/transport/wire"
)

func TestAppendDataIsWhatWireEncodes(t *testing.T) {
	for _, n := range []int{0, 1, 0xff, 0x100, chunkSize, 0xffff, wire.MaxChunk} {
		for _, more := range []bool{false, true} {
			data := bytes.Repeat([]byte{0xa5}, n)
			got := appendData(nil, data, more)
			want := encode(&wire.TunnelData{More: more, Data: data})
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes: %x..., want %x...", n, got[:12], want[:12])
			}
		}
	}
	if frame := appendData(nil, make([]byte, chunkSize), true); len(frame) > 64<<10 {
		t.Errorf("a full chunk is a frame of %d bytes", len(frame))
	}
}

func TestFrameReaderCutAnywhere(t *testing.T) {
	var whole []byte
	for _, f := range []wire.Frame{
		&wire.TunnelAccept{Credit: 7}, &wire.TunnelData{More: true, Data: []byte("hello")},
		&wire.TunnelCredit{Bytes: 1 << 40}, &wire.TunnelAbort{Code: 3, Reason: "because"},
	} {
		whole = append(whole, encode(f)...)
	}
	for i := range whole {
		r := newFrameReader(iotestOneByte{bytes.NewReader(whole[:i])}, newReaders())
		var err error
		for err == nil {
			var h head
			if h, err = r.next(); err == nil && h.frame == nil {
				err = r.skip()
			}
		}
		if isViolation(err) || err != io.EOF && err != io.ErrUnexpectedEOF {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}

type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// FuzzPeer feeds a tunnel end whatever a peer may send: it ends, reports, and
// neither panics nor holds more than its window.
func FuzzPeer(f *testing.F) {
	for _, seed := range [][]wire.Frame{
		{&wire.TunnelData{Data: []byte("hello")}, &wire.TunnelEnd{}},
		{&wire.TunnelData{More: true, Data: []byte("hel")}, &wire.TunnelData{Data: []byte("lo")}},
		{&wire.TunnelCredit{Bytes: 1000}, &wire.TunnelAbort{Code: 1, Reason: "bye"}},
		{&wire.TunnelEnd{}, &wire.TunnelAbort{Code: wire.CodeLeave}},
		{&wire.TunnelOpen{Cluster: "c", Credit: 1}, &wire.TunnelRefuse{Code: 7, Reason: "full"}},
	} {
		var b []byte
		for _, frame := range seed {
			b = append(b, encode(frame)...)
		}
		f.Add(b, true)
		f.Add(b[:len(b)-1], false)
	}
	f.Fuzz(func(t *testing.T, input []byte, consume bool) {
		x, y := newPipe()
		a := newEnd(t, x, nodeB, Config{Window: 8 << 10, MaxMessage: 1 << 10}, 1<<10)
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			_, _ = io.Copy(io.Discard, y)
		}()
		if consume {
			go func() { _, _ = io.Copy(io.Discard, a.Stream()) }()
		}
		if len(input) > 0 {
			_, _ = y.Write(input)
		}
		_ = y.Close()
		a.in.mu.Lock()
		held := a.in.flow.Buffered()
		a.in.mu.Unlock()
		if held > 8<<10 {
			t.Errorf("%d bytes held", held)
		}
		stop(a)
		giveUp(y, 0)
		<-drained
	})
}
