package udp

import (
	"net"
	"time"
)

// Buffer is the size in bytes that is asked for each of the kernel's two buffers of a
// socket: what QUIC needs at high rates.
const Buffer = 7 << 20

// Granted says what the kernel gave a socket.
type Granted struct {
	ReadBuffer  int  // bytes; 0 if the system does not tell
	WriteBuffer int  // bytes; 0 if the system does not tell
	Offload     bool // packets are received in large pieces
}

// Scarce reports whether a buffer is much smaller than what was asked for.
func (g Granted) Scarce() bool {
	small := func(n int) bool { return n > 0 && n < Buffer/2 }
	return small(g.ReadBuffer) || small(g.WriteBuffer)
}

// Listen binds a UDP socket to addr. That the kernel grants less than asked is no
// error; see [Granted].
//
// With poll above 0, and receive offload, a reader that has taken all packets does not
// sleep at once: for so long it asks the kernel again and again. What comes meanwhile is
// received without waking a processor, for up to one processor's time. Close takes up to as long.
func Listen(addr *net.UDPAddr, poll time.Duration) (net.PacketConn, Granted, error) {
	c, err := net.ListenUDP("udp", addr)
	if err != nil { // not c: a nil pointer in it is no nil interface
		return nil, Granted{}, err
	}
	_ = c.SetReadBuffer(Buffer) // Granted tells what came of it
	_ = c.SetWriteBuffer(Buffer)
	var g Granted
	g.ReadBuffer, g.WriteBuffer = buffers(c)
	if o := newOffload(c, poll); o != nil {
		g.Offload = true
		return o, g, nil
	}
	return c, g, nil
}
