package transport

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"iris/transport/wire"
)

// Stream is one ordered, reliable byte stream of a tunnel connection. Reads
// and writes may run concurrently with each other, not with themselves.
type Stream interface {
	io.ReadWriter
	// Close ends the write half after everything written was sent.
	Close() error
	// CancelRead tells the peer to stop sending and fails local reads.
	CancelRead(wire.Code)
	// CancelWrite drops what was not sent and fails the peer's reads.
	CancelWrite(wire.Code)
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	// Context ends with the write half of the stream or with the connection.
	Context() context.Context
}

// quicStream counts among the open streams of its pair until both halves have
// ended. Whoever has it ends them, also after an error.
type quicStream struct {
	*quic.Stream
	endRead, endWrite func() // at least once each
}

func (t *tunnelConn) hold(s *quic.Stream) quicStream {
	t.open.Add(2)
	half := func() { t.open.Add(-1) }
	return quicStream{s, sync.OnceFunc(half), sync.OnceFunc(half)}
}

func (s quicStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.endRead()
	}
	return n, err
}

func (s quicStream) Close() error {
	s.endWrite()
	return s.Stream.Close()
}

func (s quicStream) CancelRead(c wire.Code) {
	s.endRead()
	s.Stream.CancelRead(quic.StreamErrorCode(c))
}

func (s quicStream) CancelWrite(c wire.Code) {
	s.endWrite()
	s.Stream.CancelWrite(quic.StreamErrorCode(c))
}
