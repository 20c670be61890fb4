package transport

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
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
	// RoundTrip is the shortest round trip to the peer that was seen, so without
	// what waits on the way; 0 if none was, or within this process.
	RoundTrip() time.Duration
	// Accompanied reports whether messages went to the peer or came from it within
	// the last second, as far as it was asked: they wait for what is written.
	Accompanied() bool
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	// Context ends with the write half of the stream or with the connection.
	Context() context.Context
}

// quicStream counts among the open streams of its pair until both halves have
// ended. Whoever has it ends them, also after an error.
type quicStream struct {
	*quic.Stream
	pair                *tunnelConn
	conn                *quic.Conn // of the pair
	readOver, writeOver atomic.Bool
}

func (t *tunnelConn) hold(conn *quic.Conn, s *quic.Stream) *quicStream {
	t.open.Add(2)
	return &quicStream{Stream: s, pair: t, conn: conn}
}

func (s *quicStream) end(over *atomic.Bool) {
	if over.CompareAndSwap(false, true) {
		s.pair.open.Add(-1)
	}
}

func (s *quicStream) endRead()  { s.end(&s.readOver) }
func (s *quicStream) endWrite() { s.end(&s.writeOver) }

// Read is below readers who wait for long: it takes little of their stacks.
func (s *quicStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if err != nil {
		s.failed(err)
	}
	return n, err
}

func (s *quicStream) failed(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.endRead()
	}
}

func (s *quicStream) RoundTrip() time.Duration { return s.pair.roundTrip(s.conn) }

func (s *quicStream) Close() error {
	s.endWrite()
	return s.Stream.Close()
}

func (s *quicStream) CancelRead(c wire.Code) {
	s.endRead()
	s.Stream.CancelRead(quic.StreamErrorCode(c))
}

func (s *quicStream) CancelWrite(c wire.Code) {
	s.endWrite()
	s.Stream.CancelWrite(quic.StreamErrorCode(c))
}
