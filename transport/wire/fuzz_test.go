package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// again checks that an accepted frame can be sent on and arrives the same.
func again(t *testing.T, f Frame) {
	b, err := Encode(f)
	if err != nil {
		t.Fatalf("accepted %#v, cannot encode it: %v", f, err)
	}
	g, err := Decode(b)
	if err != nil {
		t.Fatalf("accepted %#v, encoded % x, refused it: %v", f, b, err)
	}
	if d := equal(g, f); d != "" {
		t.Fatal(d)
	}
}

// FuzzReader feeds a stream of anything. The Reader must end with a typed
// error, hold no more than the limit, and accept nothing it could not send.
func FuzzReader(f *testing.F) {
	w := NewWriter()
	var whole []byte
	for _, k := range kinds() {
		for _, frame := range samples()[k] {
			f.Add(mustAppend(f, NewWriter(), nil, frame))
			whole = mustAppend(f, w, whole, frame)
		}
	}
	f.Add(whole)
	f.Add([]byte{0xff, 0xff, 0x3f, 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, stream []byte) {
		const limit = 8 << 10
		r := NewReader(bytes.NewReader(stream), limit)
		for {
			frame, err := r.Next()
			if len(r.buf) > batchSize {
				t.Fatalf("buffer of %d bytes", len(r.buf))
			}
			var pe *ProtocolError
			if errors.As(err, &pe) && pe.Reason != "" || err == io.EOF {
				return
			}
			if err != nil || frame == nil {
				t.Fatalf("Next = %v, %v", frame, err)
			}
			again(t, frame)
		}
	})
}

// FuzzDecode is FuzzReader for single frames.
func FuzzDecode(f *testing.F) {
	for _, frames := range samples() {
		for _, frame := range frames {
			b, err := Encode(frame)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Decode(b)
		var pe *ProtocolError
		if errors.As(err, &pe) {
			return
		}
		if err != nil {
			t.Fatalf("untyped error %v", err)
		}
		again(t, frame)
	})
}
