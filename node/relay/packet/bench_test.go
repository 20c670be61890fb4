package packet

import (
	"bytes"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	payload := make([]byte, 1024)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], Publish{Topic: "news", Payload: payload})
	}
}

func BenchmarkReader(b *testing.B) {
	stream := greeting(FromClient)
	for range 1000 {
		stream = Append(stream, Publish{Topic: "news", Payload: make([]byte, 1024)})
	}
	b.ReportAllocs()
	for n := 0; n < b.N; {
		r := NewReader(bytes.NewReader(stream), FromClient, Limits{})
		for n < b.N {
			if _, err := r.Next(); err != nil {
				break
			}
			n++
		}
	}
}
