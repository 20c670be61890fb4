package main

import (
	"encoding/binary"
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// coalescing returns c with receive offload: the kernel hands over many packets of one
// sender as one piece, and this takes them apart again. Without the option it returns
// c itself.
func coalescing(c *net.UDPConn) net.PacketConn {
	raw, err := c.SyscallConn()
	if err != nil {
		return c
	}
	if err := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1)
	}); err != nil {
		return c
	}
	o := &offload{UDPConn: c, batch: ipv4.NewPacketConn(c)}
	for i := range o.pieces {
		o.pieces[i].Buffers = [][]byte{make([]byte, 64<<10)}
		o.pieces[i].OOB = make([]byte, 128)
	}
	return o
}

// offload is used by the one goroutine in which quic-go reads a socket.
type offload struct {
	*net.UDPConn
	batch  *ipv4.PacketConn
	pieces [4]ipv4.Message
	next   int // piece to take packets from
	full   int // pieces that were read
	offset int // in that piece
	packet int // size of its packets, the last of which may be shorter
}

// ReadBatch fills ms with one packet each; quic-go calls it in place of its own.
func (o *offload) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	if o.next == o.full {
		n, err := o.batch.ReadBatch(o.pieces[:], flags)
		if err != nil || n == 0 {
			return n, err
		}
		o.next, o.full, o.offset = 0, n, 0
		o.packet = packetSize(&o.pieces[0])
	}
	n := 0
	for n < len(ms) && o.next < o.full {
		piece, m := &o.pieces[o.next], &ms[n]
		end := min(o.offset+o.packet, piece.N)
		m.N = copy(m.Buffers[0], piece.Buffers[0][o.offset:end])
		m.NN = copy(m.OOB, piece.OOB[:piece.NN])
		m.Addr, m.Flags = piece.Addr, piece.Flags
		n++
		if o.offset = end; end == piece.N {
			o.next++
			o.offset = 0
			if o.next < o.full {
				o.packet = packetSize(&o.pieces[o.next])
			}
		}
	}
	return n, nil
}

// packetSize says of what size the packets in m are.
func packetSize(m *ipv4.Message) int {
	for oob := m.OOB[:m.NN]; len(oob) > 0; {
		hdr, body, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		if hdr.Level == unix.IPPROTO_UDP && hdr.Type == unix.UDP_GRO && len(body) >= 4 {
			if n := int(binary.NativeEndian.Uint32(body)); n > 0 {
				return n
			}
		}
		oob = rest
	}
	return m.N
}
