package packet

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// TestMessages cuts messages of any size and puts them together again, with
// senders that give up halfway now and then.
func TestMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		var a Assembly
		var pending int // octets of a message that was given up
		for range rapid.IntRange(1, 20).Draw(t, "messages") {
			want := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "message")
			chunks := 0
			for chunk := range Chunks(7, want, limit) {
				if len(chunk.Payload) == 0 || len(chunk.Payload) > limit || chunk.Tunnel != 7 || (chunk.Size > 0) != (chunks == 0) {
					t.Fatalf("chunk %d is %+v", chunks, chunk)
				}
				if chunks > 0 && rapid.IntRange(0, 9).Draw(t, "give up") == 0 {
					pending = a.Partial()
					break
				}
				got, discarded, err := a.Add(chunk, FromRelay, 100)
				if err != nil {
					t.Fatal(err)
				}
				if chunks == 0 && discarded != pending || chunks > 0 && discarded != 0 {
					t.Fatalf("%d octets discarded, of %d", discarded, pending)
				}
				if chunks++; got != nil {
					if !bytes.Equal(got, want) {
						t.Fatalf("got %x, want %x", got, want)
					}
					if pending = 0; a.Partial() != 0 {
						t.Fatal("something is left")
					}
				}
			}
		}
	})
}

func TestAssemblyViolations(t *testing.T) {
	for _, tc := range []struct {
		name   string
		chunks []TunTransfer
		want   string
	}{
		{"empty", []TunTransfer{{Size: 1}}, "tunnel transfer of the client: an empty chunk"},
		{"continues nothing", []TunTransfer{{Payload: []byte("x")}}, "tunnel transfer of the client: a chunk that continues nothing"},
		{"continues what is complete", []TunTransfer{{Size: 1, Payload: []byte("x")}, {Payload: []byte("x")}}, "tunnel transfer of the client: a chunk that continues nothing"},
		{"too large", []TunTransfer{{Size: 101, Payload: []byte("x")}}, "tunnel transfer of the client: octets of a message: 101, at most 100"},
		{"first longer than said", []TunTransfer{{Size: 1, Payload: []byte("xx")}}, "tunnel transfer of the client: octets in the chunks of a message: 2, at most 1"},
		{"longer than said", []TunTransfer{{Size: 2, Payload: []byte("x")}, {Payload: []byte("xx")}}, "tunnel transfer of the client: octets in the chunks of a message: 3, at most 2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var a Assembly
			var err error
			for _, c := range tc.chunks {
				if err != nil {
					t.Fatal("too early:", err)
				}
				_, _, err = a.Add(c, FromClient, 100)
			}
			var v *Violation
			if !errors.As(err, &v) || v.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestBatch: however large their payloads are, the packets of a batch come out
// as Append would write them.
func TestBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Batch
		for range 3 { // a batch is used again
			var want []byte
			for range rapid.IntRange(0, 6).Draw(t, "packets") {
				payload := bytes.Repeat([]byte{'x'}, rapid.SampledFrom([]int{0, 1, Kept - 1, Kept, 3 * Kept}).Draw(t, "size"))
				p := rapid.SampledFrom([]Packet{
					Serve{ID: 1, Payload: payload, TimeoutMs: 1000}, Publish{"news", payload}, TunAllow{1, 2},
				}).Draw(t, "packet")
				b.Add(p)
				want = Append(want, p)
			}
			if got := bytes.Join(b.Buffers(), nil); !bytes.Equal(got, want) || b.Len() != len(want) {
				t.Fatalf("%d octets, Len %d, want %d", len(got), b.Len(), len(want))
			}
			for _, part := range b.Buffers() {
				if len(part) == 0 {
					t.Fatal("an empty part")
				}
			}
			b.Reset()
			if b.Len() != 0 || len(b.Buffers()) != 0 {
				t.Fatal("not empty after Reset")
			}
		}
	})
}

// TestBatchLike: a batch that follows another one of the same traffic takes its
// memory at once, and none for payloads that it does not copy.
func TestBatchLike(t *testing.T) {
	var full, large, next Batch
	for range 40 {
		full.Add(Delivery{Payload: make([]byte, 1000)})
		large.Add(Delivery{Payload: make([]byte, 1000*Kept/100)})
	}
	next.Like(&full)
	if n := cap(next.buf); n < full.Len() || n > 2*full.Len() {
		t.Errorf("room for %d octets like %d", n, full.Len())
	}
	next = Batch{}
	if next.Like(&large); cap(next.buf) > Kept {
		t.Errorf("room for %d octets where payloads are kept", cap(next.buf))
	}
}

// TestBatchMemory: a batch keeps the memory that its traffic needs, and returns
// what a burst took.
func TestBatchMemory(t *testing.T) {
	var b Batch
	fill := func(n int) int {
		for range n {
			b.Add(Delivery{Payload: make([]byte, 1000)})
		}
		b.Reset()
		return cap(b.buf)
	}
	if got := fill(5000); got != 0 {
		t.Errorf("%d octets kept after 5 MB", got)
	}
	fill(500)
	if got := fill(500); got < 500_000 || got > maxSpare {
		t.Errorf("%d octets kept under traffic of 500 kB", got)
	}
	if got := fill(1); got != 0 {
		t.Errorf("%d octets kept when it is quiet", got)
	}
}
