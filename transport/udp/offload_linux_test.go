package udp

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// mark encodes a control message as the kernel does.
func mark(level, kind int, body ...byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(body)))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(unix.CmsgLen(len(body)))
	copy(b[unix.CmsgLen(0):], body)
	return b
}

// received is a piece of data whose packets are of the given size, 0 for one packet,
// with further marks before and behind the size.
func received(data []byte, size int, before, behind []byte) ipv4.Message {
	marks := bytes.Clone(before)
	if size > 0 {
		marks = append(marks, mark(unix.IPPROTO_UDP, unix.UDP_GRO, byte(size), byte(size>>8), byte(size>>16), 0)...)
	}
	marks = append(marks, behind...)
	return ipv4.Message{
		Buffers: [][]byte{append(bytes.Clone(data), make([]byte, 10)...)}, N: len(data),
		OOB: append(marks, make([]byte, 40)...), NN: len(marks),
		Addr: &net.UDPAddr{Port: len(data) + 1},
	}
}

// empty returns n messages to be filled, as quic-go has them.
func empty(n, size int) []ipv4.Message {
	ms := make([]ipv4.Message, n)
	for i := range ms {
		ms[i].Buffers, ms[i].OOB = [][]byte{make([]byte, size)}, make([]byte, 128)
	}
	return ms
}

func TestPiecesComeApart(t *testing.T) {
	data := func(n int) []byte { return bytes.Repeat([]byte("0123456789"), n/10+1)[:n] }
	for name, c := range map[string]struct {
		piece, size int
		want        []int
	}{
		"one packet":               {piece: 100, want: []int{100}},
		"one packet with its size": {piece: 100, size: 100, want: []int{100}},
		"nothing in it":            {piece: 0, want: []int{0}},
		"equal ones":               {piece: 300, size: 100, want: []int{100, 100, 100}},
		"a shorter last one":       {piece: 201, size: 100, want: []int{100, 100, 1}},
		"a size beyond the piece":  {piece: 70, size: 100, want: []int{70}},
		"too large for a buffer":   {piece: 350, size: 200, want: []int{128, 128}},
	} {
		t.Run(name, func(t *testing.T) {
			var cut cutter
			before, behind := mark(unix.IPPROTO_IP, unix.IP_TOS, 1), mark(unix.IPPROTO_IP, unix.IP_PKTINFO, make([]byte, 12)...)
			piece := received(data(c.piece), c.size, before, behind)
			cut.begin([]ipv4.Message{piece})
			ms := empty(8, 128)
			n := cut.take(ms)
			var got []int
			for i, m := range ms[:n] {
				got = append(got, m.N)
				if start := i * max(c.size, 1); !bytes.Equal(m.Buffers[0][:m.N], data(c.piece)[start:start+m.N]) {
					t.Errorf("packet %d is %q", i, m.Buffers[0][:m.N])
				}
				if !bytes.Equal(m.OOB[:m.NN], append(before, behind...)) {
					t.Errorf("packet %d has marks %x", i, m.OOB[:m.NN])
				}
				if m.Addr != piece.Addr {
					t.Errorf("packet %d is from %v", i, m.Addr)
				}
			}
			if !cmp.Equal(got, c.want) || !cut.empty() {
				t.Errorf("packets of %v bytes, want %v; all taken: %t", got, c.want, cut.empty())
			}
		})
	}
}

// However pieces and reads fall, the packets are those that were sent, in order.
func TestEveryPacketComesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pieces []ipv4.Message
		var want []string
		for range rapid.IntRange(1, slabPieces).Draw(t, "pieces") {
			data := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "piece")
			size := rapid.IntRange(0, 20).Draw(t, "size")
			pieces = append(pieces, received(data, size, nil, nil))
			if size == 0 || len(data) == 0 {
				want = append(want, string(data))
				continue
			}
			for ; len(data) > 0; data = data[min(size, len(data)):] {
				want = append(want, string(data[:min(size, len(data))]))
			}
		}
		var cut cutter
		var got []string
		cut.begin(pieces)
		for !cut.empty() {
			ms := empty(rapid.IntRange(1, 8).Draw(t, "read"), 64)
			for _, m := range ms[:cut.take(ms)] {
				got = append(got, string(m.Buffers[0][:m.N]))
			}
		}
		if !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Marks that do not parse end the search for the size; nothing is lost and nothing
// panics.
func TestOddMarks(t *testing.T) {
	for _, marks := range [][]byte{{1}, bytes.Repeat([]byte{0xff}, 40), mark(unix.IPPROTO_UDP, unix.UDP_GRO, 1), mark(unix.IPPROTO_UDP, unix.UDP_GRO, 0, 0, 0, 0)} {
		var cut cutter
		cut.begin([]ipv4.Message{received(make([]byte, 50), 0, marks, nil)})
		ms := empty(4, 64)
		if n := cut.take(ms); n != 1 || ms[0].N != 50 {
			t.Errorf("marks %x: %d packets", marks, n)
		}
	}
}

// listen opens a socket with offload that hears of congestion marks, and another that
// sends to it.
func listen(t *testing.T, poll time.Duration) (in *offload, out *net.UDPConn) {
	t.Helper()
	c, granted, err := Listen(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, poll)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if granted.ReadBuffer <= 0 || granted.WriteBuffer <= 0 {
		t.Errorf("granted %+v", granted)
	}
	in, ok := c.(*offload)
	if !ok {
		t.Skip("this kernel has no receive offload")
	}
	set(t, in.UDPConn, unix.IPPROTO_IP, unix.IP_RECVTOS, 1)
	if out, err = net.DialUDP("udp", nil, in.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	return in, out
}

func set(t *testing.T, c *net.UDPConn, level, option, value int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, value) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What was sent as a large piece arrives as one, and comes out as its packets, each
// with the congestion mark it was sent with.
func TestOffloadOverLoopback(t *testing.T) { polling(t, offloadOverLoopback) }

func offloadOverLoopback(t *testing.T, poll time.Duration) {
	in, out := listen(t, poll)
	var want, got []string
	for i, ecn := range []int{0, 1, 2, 3} {
		set(t, out, unix.IPPROTO_IP, unix.IP_TOS, ecn)
		piece := bytes.Repeat([]byte{byte('a' + i)}, 2500)
		size := []byte{1000 & 0xff, 1000 >> 8}
		if _, _, err := out.WriteMsgUDP(piece, mark(unix.IPPROTO_UDP, unix.UDP_SEGMENT, size...), nil); err != nil {
			t.Skipf("this kernel cannot send large pieces: %v", err)
		}
		for _, n := range []int{1000, 1000, 500} {
			want = append(want, string(append(bytes.Repeat([]byte{byte('a' + i)}, n), byte(ecn))))
		}
	}
	ms := empty(8, 1452)
	for len(got) < len(want) {
		n, err := in.ReadBatch(ms, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms[:n] {
			if m.Addr.String() != out.LocalAddr().String() {
				t.Errorf("from %v", m.Addr)
			}
			hdr, body, rest, err := unix.ParseOneSocketControlMessage(m.OOB[:m.NN])
			if err != nil || hdr.Type != unix.IP_TOS || len(rest) > 0 {
				t.Fatalf("marks %x", m.OOB[:m.NN])
			}
			got = append(got, string(append(bytes.Clone(m.Buffers[0][:m.N]), body[0])))
		}
	}
	if !cmp.Equal(got, want) {
		t.Errorf("got %d packets: %.40q", len(got), got)
	}
	if in.slab != nil {
		t.Error("a socket that has given everything holds a slab")
	}
}

// A read ends with its deadline and with the socket, and the socket can be read again
// after a deadline.
func TestReadsEnd(t *testing.T) { polling(t, readsEnd) }

func readsEnd(t *testing.T, poll time.Duration) {
	in, out := listen(t, poll)
	ms := empty(8, 1452)
	if err := in.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := in.ReadBatch(ms, 0); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d, %v after the deadline", n, err)
	}
	if err := in.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write([]byte("again")); err != nil {
		t.Fatal(err)
	}
	if n, err := in.ReadBatch(ms, 0); n != 1 || err != nil || string(ms[0].Buffers[0][:ms[0].N]) != "again" {
		t.Errorf("%d, %v", n, err)
	}
	ended := make(chan error)
	go func() {
		_, err := in.ReadBatch(ms, 0)
		ended <- err
	}()
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v after Close", err)
	}
}

// How fast packets are received that come one by one and in large pieces.
func BenchmarkReceive(b *testing.B) {
	for _, c := range []struct {
		name    string
		packets int
	}{{"1", 1}, {"20", 20}} {
		b.Run(c.name, func(b *testing.B) {
			conn, _, err := Listen(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			in, ok := conn.(*offload)
			if !ok {
				b.Skip("this kernel has no receive offload")
			}
			out, err := net.DialUDP("udp", nil, in.LocalAddr().(*net.UDPAddr))
			if err != nil {
				b.Fatal(err)
			}
			defer out.Close()
			piece, ms := make([]byte, 1200*c.packets), empty(8, 1452)
			marks := mark(unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1200&0xff, 1200>>8)
			b.SetBytes(int64(len(piece)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := out.WriteMsgUDP(piece, marks, nil); err != nil {
					b.Fatal(err)
				}
				for left := c.packets; left > 0; {
					n, err := in.ReadBatch(ms, 0)
					if err != nil {
						b.Fatal(err)
					}
					left -= n
				}
			}
		})
	}
}
