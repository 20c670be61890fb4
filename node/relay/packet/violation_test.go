package packet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestViolations(t *testing.T) {
	long := strings.Repeat("61", 256)
	for _, tc := range []struct {
		name   string
		side   Side
		octets string
		want   string
	}{
		{"opcode of nobody", FromClient, "0e", "opcode 0x0e of the client: an opcode that this side does not have"},
		{"opcode 255", FromRelay, "ff", "opcode 0xff of the relay: an opcode that this side does not have"},
		{"deny of a client", FromClient, "01", "deny of the client: an opcode that this side does not have"},
		{"subscribe of a relay", FromRelay, "06 01'x'", "subscribe of the relay: an opcode that this side does not have"},
		{"unsubscribe of a relay", FromRelay, "07 01'x'", "unsubscribe of the relay: an opcode that this side does not have"},
		{"greeting of a client", FromClient, "00", "init of the client: a second greeting"},
		{"greeting of a relay", FromRelay, "00", "init of the relay: a second greeting"},
		{"denial of a relay", FromRelay, "01", "deny of the relay: a second greeting"},
		{"bool 2", FromClient, "05 00 02", "reply of the client: a bool: 2, at most 1"},
		{"varint of 11 octets", FromClient, "0d ffffffffffffffffff80 00", "tunnel close of the client: a varint of more than 64 bits"},
		{"varint of 65 bits", FromClient, "0d ffffffffffffffffff02", "tunnel close of the client: a varint of more than 64 bits"},
		{"name of 256", FromClient, "06 8002" + long, "subscribe of the client: octets of a field: 256, at most 255"},
		{"fault of 65537", FromClient, "05 00 00 818004", "reply of the client: octets of a field: 65537, at most 65536"},
		{"reason of 65537", FromRelay, "0d 00 818004", "tunnel close of the relay: octets of a field: 65537, at most 65536"},
		{"message of 64 MiB and 1", FromClient, "03 01'x' 81808020", "broadcast of the client: octets of a field: 67108865, at most 67108864"},
		{"message of 2^64-1", FromRelay, "03 ffffffffffffffffff01", "broadcast of the relay: octets of a field: 18446744073709551615, at most 67108864"},
		{"chunk of 65537", FromClient, "0c 00 01 818004", "tunnel transfer of the client: octets of a field: 65537, at most 65536"},
		{"chunk limit 0 offered", FromRelay, "09 00 00", "tunnel init of the relay: chunks of nothing"},
		{"chunk limit 0", FromRelay, "0a 00 00 00", "tunnel confirm of the relay: chunks of nothing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := after(t, tc.side, octets(t, tc.octets), Limits{})
			for range 2 { // it stays
				var v *Violation
				if p, err := r.Next(); !errors.As(err, &v) || err.Error() != tc.want {
					t.Errorf("got %v, %v\nwant %s", p, err, tc.want)
				}
			}
		})
	}
}

func TestGreetingViolations(t *testing.T) {
	for _, tc := range []struct {
		name   string
		side   Side
		octets string
		want   string
	}{
		{"http", FromClient, "'GET / HTTP/1.1'", "opcode 0x47 of the client: no greeting"},
		{"request first", FromClient, "04", "request of the client: no greeting"},
		{"deny of a client", FromClient, "01", "deny of the client: no greeting"},
		{"delivery first", FromRelay, "03", "broadcast of the relay: no greeting"},
		{"magic of a relay", FromClient, "00 10'iris-relay-magic'", "init of the client: the wrong magic word"},
		{"magic of a client", FromRelay, "00 11'iris-client-magic'", "init of the relay: the wrong magic word"},
		{"magic of 1 MiB", FromClient, "00 808040", "init of the client: octets of a field: 1048576, at most 255"},
		{"magic of a denial", FromRelay, "01 00", "deny of the relay: the wrong magic word"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := NewReader(bytes.NewReader(octets(t, tc.octets)), tc.side, Limits{}).Next()
			var v *Violation
			if !errors.As(err, &v) || err.Error() != tc.want {
				t.Errorf("got %v, %v\nwant %s", p, err, tc.want)
			}
		})
	}
}

// TestLimits: fields of exactly the limit are fine, whatever it is.
func TestLimits(t *testing.T) {
	limits := Limits{Message: 1000, Chunk: 10}
	name, text := strings.Repeat("n", MaxName), strings.Repeat("t", MaxText)
	for _, tc := range []struct {
		ok, over Packet
	}{
		{Broadcast{name, make([]byte, 1000)}, Broadcast{name, make([]byte, 1001)}},
		{Broadcast{Cluster: name}, Broadcast{Cluster: name + "n"}},
		{Request{Payload: make([]byte, 1000)}, Request{Payload: make([]byte, 1001)}},
		{Reply{OK: true, Payload: make([]byte, 1000)}, Reply{OK: true, Payload: make([]byte, 1001)}},
		{Publish{name, make([]byte, 1000)}, Publish{name, make([]byte, 1001)}},
		{TunTransfer{Payload: make([]byte, 10)}, TunTransfer{Payload: make([]byte, 11)}},
		{Reply{Fault: text}, nil},
	} {
		if _, err := after(t, FromClient, Append(nil, tc.ok), limits).Next(); err != nil {
			t.Errorf("%T at the limit: %v", tc.ok, err)
		}
		var v *Violation
		if tc.over == nil {
			continue
		}
		if _, err := after(t, FromClient, Append(nil, tc.over), limits).Next(); !errors.As(err, &v) || v.Max+1 != v.Have {
			t.Errorf("%T beyond the limit: %v", tc.over, err)
		}
	}
}

// TestCutText: long texts are cut between characters, so that no reader minds.
func TestCutText(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     int
	}{
		{"short", "x", 1},
		{"exact", strings.Repeat("x", MaxText), MaxText},
		{"ascii", strings.Repeat("x", MaxText+1), MaxText},
		{"character across the limit", strings.Repeat("x", MaxText-1) + "é", MaxText - 1},
		{"four octets across the limit", strings.Repeat("x", MaxText-3) + "😀", MaxText - 3},
		{"no text at all", strings.Repeat("\x80", MaxText+9), MaxText},
	} {
		if got := CutText(tc.in); len(got) != tc.want || !strings.HasPrefix(tc.in, got) {
			t.Errorf("%s: cut to %d, want %d", tc.name, len(got), tc.want)
		}
		p, err := after(t, FromRelay, Append(nil, TunClosed{Reason: tc.in}), Limits{}).Next()
		if err != nil || len(p.(TunClosed).Reason) != tc.want {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestMemory: a claimed length takes no memory before its octets come.
func TestMemory(t *testing.T) {
	claim := octets(t, "03 01'x' 80808020") // 64 MiB
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := after(b, FromClient, claim, Limits{}).Next(); err != io.ErrUnexpectedEOF {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if got > eager+8<<10 {
		t.Errorf("%d octets taken for a claim", got)
	}
	idle := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := NewReader(iotest.ErrReader(io.EOF), FromClient, Limits{}).Next(); err != io.EOF {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if idle > 2<<10 {
		t.Errorf("%d octets taken for a connection that says nothing", idle)
	}
}

// TestManyNames: a reader remembers some names, not all that ever came.
func TestManyNames(t *testing.T) {
	var stream []byte
	for i := range 10 * maxNames {
		stream = Append(stream, Subscribe{Topic: strings.Repeat("n", i%MaxName+1)})
	}
	r := after(t, FromClient, stream, Limits{})
	for i := range 10 * maxNames {
		p, err := r.Next()
		if err != nil || len(p.(Subscribe).Topic) != i%MaxName+1 {
			t.Fatal(p, err)
		}
		if len(r.names) > maxNames {
			t.Fatalf("%d names remembered", len(r.names))
		}
	}
}

func TestNoProgress(t *testing.T) {
	r := NewReader(still{}, FromClient, Limits{})
	if _, err := r.Next(); err != io.ErrNoProgress {
		t.Error(err)
	}
}

type still struct{}

func (still) Read([]byte) (int, error) { return 0, nil }
