package tunnels

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"iris/transport/wire"
)

const (
	// readBuffer holds frame headers and small frames. The payload of a chunk
	// bypasses it, except for what came along with its header.
	readBuffer = 2 << 10
	// maxSmall bounds every frame of a tunnel but TunnelData, in bytes.
	maxSmall = readBuffer
	// dataHeader is the most that precedes the payload of a TunnelData frame
	// after its length: array, kind, bool, bin.
	dataHeader = 1 + 1 + 1 + 5
)

// violation is what a peer did that an honest one does not do.
type violation struct{ what string }

func (v *violation) Error() string { return v.what }

// head is what a frameReader returns: a chunk of n bytes that follow, or else a
// small frame.
type head struct {
	n     int
	more  bool
	frame wire.Frame // nil for a chunk
}

// frameReader reads the frames of a tunnel. It parses the header of TunnelData
// itself, so that the payload goes from the stream straight to where it stays;
// the rest it leaves to package wire.
//
// While nothing comes it has no buffer, and waits for one byte with few calls
// above it: most tunnels are idle, and the stack of their readers stays as small
// as it began.
type frameReader struct {
	s     io.Reader
	pool  *sync.Pool    // of *bufio.Reader
	r     *bufio.Reader // of what early and s bring; nil: nothing has come
	first [1]byte       // what came after nothing had
	early bool          // r has not read first yet
	tail  int           // bytes of the frame after the payload of its chunk
	chunk int           // payload bytes that the caller has still to read
}

// newReaders makes what frame readers borrow their buffers from.
func newReaders() *sync.Pool {
	return &sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}
}

func newFrameReader(s io.Reader, pool *sync.Pool) *frameReader {
	return &frameReader{s: s, pool: pool}
}

// Read implements io.Reader for the buffer.
func (f *frameReader) Read(p []byte) (int, error) {
	if f.early && len(p) > 0 {
		f.early = false
		p[0] = f.first[0]
		return 1, nil
	}
	return f.s.Read(p)
}

// ready reports that next will not wait for the beginning of a frame. If it will,
// the buffer goes.
func (f *frameReader) ready() bool {
	if f.r != nil && f.tail == 0 && f.r.Buffered() == 0 && !f.early {
		f.giveBack()
	}
	return f.r != nil
}

// await waits until a frame begins. The error is io.EOF, or that of the stream.
func (f *frameReader) await() error {
	for f.r == nil {
		n, err := f.s.Read(f.first[:])
		if n > 0 {
			f.borrow()
		} else if err != nil {
			return err
		}
	}
	return nil
}

// borrow takes a buffer.
func (f *frameReader) borrow() {
	f.r = f.pool.Get().(*bufio.Reader)
	f.r.Reset(f)
	f.early = true
}

// giveBack is called when the buffer is empty, or of no use any more.
func (f *frameReader) giveBack() {
	f.r.Reset(nil)
	f.pool.Put(f.r)
	f.r = nil
}

// close ends the reading.
func (f *frameReader) close() {
	if f.r != nil {
		f.giveBack()
	}
}

// next returns the next frame. The payload of a chunk must have been read with
// payload or skip before. The error is io.EOF between frames, a *violation or
// *wire.ProtocolError for what the peer must not send, else the stream's.
func (f *frameReader) next() (head, error) {
	for {
		if f.tail > 0 {
			if _, err := f.r.Discard(f.tail); err != nil {
				return head{}, unexpected(err)
			}
			f.tail = 0
		}
		if !f.ready() {
			if err := f.await(); err != nil {
				return head{}, err
			}
		}
		size, err := f.size()
		if err != nil {
			return head{}, err
		}
		b, err := f.r.Peek(min(size, dataHeader))
		if err != nil {
			return head{}, unexpected(err)
		}
		if size >= 2 && b[0]&0xf0 == 0x90 && b[1] < 0x80 {
			if b[1] == byte(wire.KindTunnelData) {
				return f.data(b, size)
			}
			if wire.New(wire.Kind(b[1])) == nil {
				f.tail = size // unknown: skip it
				continue
			}
		}
		return f.small(size)
	}
}

// size reads the length that precedes a frame.
func (f *frameReader) size() (int, error) {
	var size uint64
	for i := 0; ; i++ {
		c, err := f.r.ReadByte()
		if err != nil {
			if i > 0 {
				err = unexpected(err)
			}
			return 0, err
		}
		size |= uint64(c&0x7f) << (7 * i)
		switch {
		case size > wire.MaxFrame || i == 4 && c >= 0x80:
			return 0, &violation{"frame exceeds the limit"}
		case c < 0x80 && size == 0:
			return 0, &violation{"empty frame"}
		case c < 0x80:
			return int(size), nil
		}
	}
}

// data parses the header of a TunnelData frame of size bytes that begins with b.
func (f *frameReader) data(b []byte, size int) (head, error) {
	const short = "TunnelData frame is cut short"
	if b[0] < 0x93 || len(b) < 4 {
		return head{}, &violation{short}
	}
	if b[2]|1 != 0xc3 {
		return head{}, &violation{"TunnelData frame without its flag"}
	}
	more := b[2] == 0xc3
	var n, used int
	switch {
	case b[3] == 0xc4 && len(b) >= 5:
		n, used = int(b[4]), 5
	case b[3] == 0xc5 && len(b) >= 6:
		n, used = int(binary.BigEndian.Uint16(b[4:])), 6
	case b[3] == 0xc6 && len(b) >= 8:
		n, used = int(min(binary.BigEndian.Uint32(b[4:]), wire.MaxFrame)), 8
	default:
		return head{}, &violation{"TunnelData frame without its data"}
	}
	tail := size - used - n
	switch {
	case n > wire.MaxChunk:
		return head{}, &violation{"chunk exceeds the limit"}
	case tail < 0:
		return head{}, &violation{short}
	case tail > 0 && b[0] == 0x93:
		return head{}, &violation{"bytes after the TunnelData frame"}
	}
	_, _ = f.r.Discard(used) // peeked: cannot fail
	f.chunk, f.tail = n, tail
	return head{n: n, more: more}, nil
}

func (f *frameReader) small(size int) (head, error) {
	if size > maxSmall {
		return head{}, &violation{"frame is too large for a tunnel"}
	}
	b, err := f.r.Peek(size)
	if err != nil {
		return head{}, unexpected(err)
	}
	frame, err := wire.Decode(b)
	if err != nil {
		return head{}, err
	}
	if _, ok := frame.(*wire.TunnelData); ok {
		return head{}, &violation{"TunnelData frame is not in its shortest form"}
	}
	_, _ = f.r.Discard(size) // peeked: cannot fail
	return head{frame: frame}, nil
}

// payload reads bytes of the chunk into p, all of p.
func (f *frameReader) payload(p []byte) error {
	n, err := io.ReadFull(f.r, p)
	f.chunk -= n
	return unexpected(err)
}

// skip drops the payload of the chunk.
func (f *frameReader) skip() error {
	n, err := f.r.Discard(f.chunk)
	f.chunk -= n
	return unexpected(err)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// isViolation reports whether err is the peer's fault.
func isViolation(err error) bool {
	var v *violation
	var p *wire.ProtocolError
	return errors.As(err, &v) || errors.As(err, &p)
}

// encode returns a small frame as it travels. What we send ourselves is valid:
// texts are clipped by the writer, names are checked by Open.
func encode(f wire.Frame) []byte {
	body, err := wire.Encode(f)
	if err != nil {
		panic(fmt.Sprintf("tunnels: own frame is invalid: %v", err))
	}
	return append(binary.AppendUvarint(make([]byte, 0, 3+len(body)), uint64(len(body))), body...)
}

// appendData appends a TunnelData frame: wire.Encode without its allocations.
func appendData(dst, data []byte, more bool) []byte {
	flag, n := byte(0xc2), len(data)
	if more {
		flag = 0xc3
	}
	const fixed = 3 // array, kind, flag
	switch {
	case n <= 0xff:
		dst = binary.AppendUvarint(dst, uint64(fixed+2+n))
		dst = append(dst, 0x93, byte(wire.KindTunnelData), flag, 0xc4, byte(n))
	case n <= 0xffff:
		dst = binary.AppendUvarint(dst, uint64(fixed+3+n))
		dst = append(dst, 0x93, byte(wire.KindTunnelData), flag, 0xc5, byte(n>>8), byte(n))
	default:
		dst = binary.AppendUvarint(dst, uint64(fixed+5+n))
		dst = append(dst, 0x93, byte(wire.KindTunnelData), flag, 0xc6)
		dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	}
	return append(dst, data...)
}
