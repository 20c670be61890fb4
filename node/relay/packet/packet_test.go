package packet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// sample is a packet and its octets, hexadecimal but for the parts in quotes.
type sample struct {
	side   Side
	packet Packet
	octets string
}

var greetings = []sample{
	{FromClient, Init{Version: "v1.0-draft2", Cluster: "echo"}, "00 11'iris-client-magic' 0b'v1.0-draft2' 04'echo'"},
	{FromClient, Init{Version: "x"}, "00 11'iris-client-magic' 01'x' 00"},
	{FromRelay, Welcome{Version: "v1.0-draft2"}, "00 10'iris-relay-magic' 0b'v1.0-draft2'"},
	{FromRelay, Deny{Reason: "no"}, "01 10'iris-relay-magic' 02'no'"},
}

var samples = []sample{
	{FromClient, Close{}, "02"},
	{FromRelay, Closed{}, "02 00"},
	{FromRelay, Closed{Reason: "slow"}, "02 04'slow'"},
	{FromClient, Broadcast{Cluster: "echo", Payload: []byte("hi")}, "03 04'echo' 02'hi'"},
	{FromRelay, Delivery{Payload: []byte("hi")}, "03 02'hi'"},
	{FromClient, Request{ID: 300, Cluster: "echo", Payload: []byte("hi"), TimeoutMs: 5000}, "04 ac02 04'echo' 02'hi' 8827"},
	{FromClient, Request{Payload: []byte{}, TimeoutMs: 1<<64 - 1}, "04 00 00 00 ffffffffffffffffff01"},
	{FromRelay, Serve{ID: 7, Payload: []byte("hi"), TimeoutMs: 1}, "04 07 02'hi' 01"},
	{FromClient, Reply{ID: 7, OK: true, Payload: []byte{}}, "05 07 01 00"},
	{FromClient, Reply{ID: 7, Fault: "broken"}, "05 07 00 06'broken'"},
	{FromRelay, Result{ID: 7, OK: true, Payload: []byte{}}, "05 07 00 01 00"},
	{FromRelay, Result{ID: 7, Fault: "broken"}, "05 07 00 00 06'broken'"},
	{FromRelay, Result{ID: 7, TimedOut: true}, "05 07 01"},
	{FromClient, Subscribe{Topic: "news"}, "06 04'news'"},
	{FromClient, Unsubscribe{Topic: "news"}, "07 04'news'"},
	{FromClient, Publish{Topic: "news", Payload: []byte("hi")}, "08 04'news' 02'hi'"},
	{FromRelay, Publish{Topic: "news", Payload: []byte("hi")}, "08 04'news' 02'hi'"},
	{FromClient, TunInit{Tunnel: 2, Cluster: "echo", TimeoutMs: 128}, "09 02 04'echo' 8001"},
	{FromRelay, TunOffer{Build: 2, Limit: 65536}, "09 02 808004"},
	{FromClient, TunConfirm{Build: 2, Tunnel: 3}, "0a 02 03"},
	{FromRelay, TunResult{Tunnel: 3, Limit: 65536}, "0a 03 00 808004"},
	{FromRelay, TunResult{Tunnel: 3, TimedOut: true}, "0a 03 01"},
	{FromClient, TunAllow{Tunnel: 3, Space: 64 << 20}, "0b 03 80808020"},
	{FromRelay, TunAllow{Tunnel: 3, Space: 4 << 20}, "0b 03 80808002"},
	{FromClient, TunTransfer{Tunnel: 3, Size: 4, Payload: []byte("hi")}, "0c 03 04 02'hi'"},
	{FromRelay, TunTransfer{Tunnel: 3, Payload: []byte("hi")}, "0c 03 00 02'hi'"},
	{FromClient, TunClose{Tunnel: 3}, "0d 03"},
	{FromRelay, TunClosed{Tunnel: 3}, "0d 03 00"},
	{FromRelay, TunClosed{Tunnel: 3, Reason: "lost"}, "0d 03 04'lost'"},
}

// octets turns the notation of the samples into octets.
func octets(t testing.TB, text string) []byte {
	t.Helper()
	var b []byte
	for i, part := range strings.Split(text, "'") {
		if i%2 == 1 {
			b = append(b, part...)
			continue
		}
		h, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, h...)
	}
	return b
}

// greeting returns the octets of a greeting of side.
func greeting(side Side) []byte {
	if side == FromClient {
		return Append(nil, Init{Version: Version})
	}
	return Append(nil, Welcome{Version: Version})
}

// after returns a reader of octets whose greeting is read.
func after(t testing.TB, side Side, b []byte, limits Limits) *Reader {
	t.Helper()
	r := NewReader(bytes.NewReader(append(greeting(side), b...)), side, limits)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPackets(t *testing.T) {
	for _, s := range samples {
		want := octets(t, s.octets)
		if got := Append([]byte("x"), s.packet); !bytes.Equal(got[1:], want) || got[0] != 'x' {
			t.Errorf("%#v: appended %x, want %x", s.packet, got[1:], want)
		}
		var b Batch
		b.Add(s.packet)
		if got := bytes.Join(b.Buffers(), nil); !bytes.Equal(got, want) || b.Len() != len(want) {
			t.Errorf("%#v: batch of %x, want %x", s.packet, got, want)
		}
		r := after(t, s.side, want, Limits{})
		got, err := r.Next()
		if err != nil {
			t.Errorf("%s: %v", s.octets, err)
		}
		if d := cmp.Diff(s.packet, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", s.octets, d)
		}
		if Op(want[0]) != s.packet.Op() {
			t.Errorf("%#v says %s", s.packet, s.packet.Op())
		}
		for range 2 {
			if p, err := r.Next(); err != io.EOF {
				t.Errorf("after %s: %v, %v", s.octets, p, err)
			}
		}
	}
}

func TestGreetings(t *testing.T) {
	for _, s := range greetings {
		want := octets(t, s.octets)
		if got := Append(nil, s.packet); !bytes.Equal(got, want) {
			t.Errorf("%#v: appended %x, want %x", s.packet, got, want)
		}
		r := NewReader(bytes.NewReader(append(want, want...)), s.side, Limits{})
		if got, err := r.Next(); err != nil || got != s.packet || got.Op() != Op(want[0]) {
			t.Errorf("%s: %#v, %v", s.octets, got, err)
		}
		var v *Violation
		if p, err := r.Next(); !errors.As(err, &v) || v.What != "a second greeting" {
			t.Errorf("second %s: %v, %v", s.octets, p, err)
		}
	}
}

// TestTruncated cuts each packet everywhere: never a packet, never a violation.
func TestTruncated(t *testing.T) {
	for _, s := range samples {
		b := octets(t, s.octets)
		for i := 1; i < len(b); i++ {
			if p, err := after(t, s.side, b[:i], Limits{}).Next(); err != io.ErrUnexpectedEOF {
				t.Errorf("%x of %s: %v, %v", b[:i], s.octets, p, err)
			}
		}
	}
	for _, s := range greetings {
		b := octets(t, s.octets)
		for i := 1; i < len(b); i++ {
			if p, err := NewReader(bytes.NewReader(b[:i]), s.side, Limits{}).Next(); err != io.ErrUnexpectedEOF {
				t.Errorf("%x of %s: %v, %v", b[:i], s.octets, p, err)
			}
		}
	}
}

// TestPieces reads all packets of a side from connections that give them in all
// kinds of pieces.
func TestPieces(t *testing.T) {
	cut := errors.New("cut")
	for _, side := range []Side{FromClient, FromRelay} {
		var want []Packet
		stream := greeting(side)
		for range 50 {
			for _, s := range samples {
				if s.side == side {
					want = append(want, s.packet)
					stream = Append(stream, s.packet)
				}
			}
		}
		for name, from := range map[string]io.Reader{
			"octets": iotest.OneByteReader(bytes.NewReader(stream)),
			"halves": iotest.HalfReader(bytes.NewReader(stream)),
			"error":  iotest.DataErrReader(io.MultiReader(bytes.NewReader(stream), iotest.ErrReader(cut))),
		} {
			r := NewReader(from, side, Limits{})
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			for i, w := range want {
				got, err := r.Next()
				if err != nil {
					t.Fatalf("%s, packet %d: %v", name, i, err)
				}
				if d := cmp.Diff(w, got); d != "" {
					t.Fatalf("%s, packet %d (-want +got):\n%s", name, i, d)
				}
			}
			if p, err := r.Next(); name == "error" && err != cut || name != "error" && err != io.EOF {
				t.Errorf("%s: at the end %v, %v", name, p, err)
			}
		}
	}
}

// TestLargePayloads: memory follows the octets, and holds exactly them.
func TestLargePayloads(t *testing.T) {
	for _, n := range []int{eager - 1, eager, eager + 1, 3 * eager, 1 << 20} {
		payload := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
		b := append(greeting(FromRelay), Append(nil, Delivery{payload})...)
		for _, end := range []int{len(b), len(b) - 1, len(b) - n/2} {
			r := NewReader(iotest.HalfReader(bytes.NewReader(b[:end])), FromRelay, Limits{})
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			p, err := r.Next()
			if end < len(b) {
				if err != io.ErrUnexpectedEOF {
					t.Errorf("%d of %d octets: %v", end, len(b), err)
				}
				continue
			}
			if got := p.(Delivery).Payload; err != nil || !bytes.Equal(got, payload) || cap(got) != n {
				t.Errorf("payload of %d octets and room for %d, want %d, %v", len(got), cap(got), n, err)
			}
		}
	}
}

func TestOpNames(t *testing.T) {
	for op, want := range map[Op]string{OpInit: "init", OpTunClose: "tunnel close", 0x0e: "opcode 0x0e"} {
		if got := op.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
