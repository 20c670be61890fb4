package wire

import (
	"errors"
	"fmt"
)

// Limits of the protocol. A Writer does not exceed them, a Reader refuses what
// does. Sizes are bytes.
const (
	MaxFrame   = 1 << 20   // encoded frame on any lane, without its length prefix
	MaxControl = 64 << 10  // encoded frame on the control lane
	MaxInline  = 256 << 10 // larger frames travel as chunks on the bulk lane
	MaxChunk   = 64 << 10  // Data of one Chunk or TunnelData
	MaxName    = 255       // cluster, topic, type and zone names; addresses; traces
	MaxActor   = 1024      // actor ids
	MaxText    = 1024      // reasons and error texts, which writers clip
	MaxKey     = 16        // idempotency key of a request

	MaxNames   = 4096 // entries of a lane's name dictionary
	MaxAddrs   = 32   // addresses of one node
	MaxLabels  = 128  // names and values of a node's labels
	MaxPeers   = 512  // nodes in one Peers frame
	MaxEntries = 1024 // entries in one GroupView or GroupReplica

	MaxRefs     = 512  // nodes in each list of an Overlay; all must fit MaxControl
	MaxRefAddrs = 2    // addresses of a node in an Overlay or a Route
	MaxPath     = 64   // nodes between one and the root of a tree
	MaxBackups  = 4    // backup parents in one TreeAck
	MaxOthers   = 16   // children named in one TreeAck
	MaxSample   = 8    // member nodes named in one TreeJoin or TreeAck
	MaxChildren = 64   // children in one TreeReplica
	MaxMarks    = 1024 // streams in one TopicSync or TopicDigest
	MaxRanges   = 16   // ranges in one TopicPull

	// MinHeartbeat is the least size of an encoded heartbeat and of its
	// answer, length prefix included: a QUIC packet must exceed 42 bytes to
	// draw a stateless reset from a peer that has restarted.
	MinHeartbeat = 64
)

// Frame is one unit of the protocol: a plain struct that lists its fields in
// the order they have on the wire. The set of frames is closed.
type Frame interface {
	// Kind returns the frame's number on the wire.
	Kind() Kind

	// Size returns an upper estimate of the encoded size in bytes, length
	// prefix and payload included. It costs no more than a few additions.
	Size() int

	append(w *Writer)
	parse(r *Reader)
}

// ErrTooLarge is returned by Writer.Append for a frame that would exceed the
// writer's limit.
var ErrTooLarge = errors.New("wire: frame too large")

// ErrInvalid is wrapped by the errors of Writer.Append and Encode for a field
// that breaks a limit or a rule; the peer would refuse it.
var ErrInvalid = errors.New("wire: invalid field")

// ErrUnknownKind is the *ProtocolError of Decode for a frame of a kind that New
// does not know, which a later version may have. A Reader skips such frames.
var ErrUnknownKind error = &ProtocolError{Reason: reasonKind}

// ProtocolError is returned by a Reader for bytes that are not a valid frame.
// The stream is out of step after it and every later Next returns it again.
type ProtocolError struct {
	Kind   Kind   // frame being read; 0 if that was not known yet
	Reason string // constant text, fit for a metric label
}

func (e *ProtocolError) Error() string {
	if e.Kind == 0 {
		return "wire: " + e.Reason
	}
	return fmt.Sprintf("wire: %v frame: %s", e.Kind, e.Reason)
}
