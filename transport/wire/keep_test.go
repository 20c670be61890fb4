package wire

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Bytes that were kept stay as they are, and so does the stream.
func TestKeptFramesStayAsTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWriter()
		var stream []byte
		var sizes []int
		for i := range rapid.IntRange(1, 12).Draw(t, "frames") {
			n := rapid.SampledFrom([]int{10, 1000, keepSize - 100, keepSize, keepSize + 1, 65_536, 200_000}).Draw(t, "size")
			sizes = append(sizes, n)
			stream = append(stream, mustFrame(t, w, &Event{Topic: "news", Body: Body{Data: bytes.Repeat([]byte{byte(i + 1)}, n)}})...)
		}
		piece := rapid.SampledFrom([]int{1000, 30_000, 1 << 20}).Draw(t, "piece")
		r := NewReader(&pieces{stream, piece}, MaxFrame)
		var kept [][]byte
		for i, n := range sizes {
			f, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			data := f.(*Event).Body.Data
			if len(data) != n || bytes.Count(data, []byte{byte(i + 1)}) != n {
				t.Fatalf("frame %d is not what was sent", i)
			}
			before := len(r.buf)
			if n > keepSize && r.Keep(keepSize-1) {
				t.Fatal("kept a large frame for a small part of it")
			}
			if ok := r.Keep(n); ok {
				kept = append(kept, data)
				if n+100 < keepSize || before > 2*(n+100) {
					t.Fatalf("kept %d bytes in a buffer of %d", n, before)
				}
				if limit := max(2*batchSize, 3*n); len(r.buf) > limit || r.Keep(n) {
					t.Fatalf("buffer of %d behind a frame of %d, or kept twice", len(r.buf), n)
				}
			}
		}
		for _, data := range kept {
			if bytes.Count(data, data[:1]) != len(data) {
				t.Fatal("what was kept has changed")
			}
		}
	})
}

func mustFrame(t *rapid.T, w *Writer, f Frame) []byte {
	b, err := w.Append(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pieces gives so many bytes at a time.
type pieces struct {
	b     []byte
	piece int
}

func (p *pieces) Read(b []byte) (int, error) {
	n := copy(b[:min(len(b), p.piece)], p.b)
	p.b = p.b[n:]
	return n, nil
}
