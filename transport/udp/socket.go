package udp

import "net"

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
func Listen(addr *net.UDPAddr) (net.PacketConn, Granted, error) {
	c, err := net.ListenUDP("udp", addr)
	if err != nil { // not c: a nil pointer in it is no nil interface
		return nil, Granted{}, err
	}
	_ = c.SetReadBuffer(Buffer) // Granted tells what came of it
	_ = c.SetWriteBuffer(Buffer)
	var g Granted
	g.ReadBuffer, g.WriteBuffer = buffers(c)
	if o := newOffload(c); o != nil {
		g.Offload = true
		return o, g, nil
	}
	return c, g, nil
}
