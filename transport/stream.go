package transport

import (
	"context"
	"io"
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

type quicStream struct{ *quic.Stream }

func (s quicStream) CancelRead(c wire.Code)  { s.Stream.CancelRead(quic.StreamErrorCode(c)) }
func (s quicStream) CancelWrite(c wire.Code) { s.Stream.CancelWrite(quic.StreamErrorCode(c)) }
