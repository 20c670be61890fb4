package transport

import (
	"errors"
	"fmt"

	"iris/actor"
	"iris/transport/wire"
)

// largest is the size of the largest frame that carries a message of n bytes.
func largest(n int) int { return n + wire.MaxFrame }

// bulkFrame is an assembled frame on its way to its place in a lane.
type bulkFrame struct {
	seq   uint64
	frame wire.Frame // nil: of a kind that this node does not know
	size  int        // bytes of it
	room  *room      // released by whoever dispatches the frame
}

// bulkIn assembles the frame that arrives in chunks. It holds as many bytes as
// have arrived, and not before there is room for them in the node's assembly.
type bulkIn struct {
	in    *inbound
	seq   uint64 // of the frame
	data  []byte
	total uint64 // announced, with lane, by the first chunk
	lane  Lane
	room  *room // nil between frames
	out   *dispatcher
}

// readBulk reads the bulk lane until it ends.
func (in *inbound) readBulk(r *frames) (err error) {
	b := &bulkIn{in: in, out: newDispatcher(in, r)}
	defer b.out.contain(&err)
	defer func() { b.room.release() }()
	for {
		f, err := r.Next()
		if err != nil {
			return err
		}
		c, ok := f.(*wire.Chunk)
		if !ok {
			return &wire.ProtocolError{Kind: f.Kind(), Reason: "on the bulk lane"}
		}
		if err := b.add(c); err != nil {
			return err
		}
		if c.Last {
			if err := b.deliver(); err != nil {
				return err
			}
		}
	}
}

// add takes a chunk, waiting for room.
func (b *bulkIn) add(c *wire.Chunk) error {
	breach := func(reason string) error { return &wire.ProtocolError{Kind: c.Kind(), Reason: reason} }
	first := b.room == nil
	switch {
	case c.Seq != b.seq || Lane(c.Lane) >= Bulk:
		return breach("out of order")
	case !first && (c.Total != b.total || Lane(c.Lane) != b.lane):
		return breach("announced otherwise before")
	case c.Total > uint64(largest(b.in.l.e.cfg.Limits.Message)), uint64(len(b.data)+len(c.Data)) > c.Total:
		return breach("larger than agreed")
	case c.Last && uint64(len(b.data)+len(c.Data)) < c.Total:
		return breach("smaller than announced")
	case len(c.Data) == 0:
		return breach("empty")
	}
	if first {
		b.in.l.e.large.in.Add(1)
		b.room, b.total, b.lane = b.in.l.e.assembly.begin(b.in.l, int(c.Total)), c.Total, Lane(c.Lane)
	}
	if err := b.room.take(len(c.Data)); err != nil {
		return err
	}
	b.data = append(b.data, c.Data...)
	return nil
}

// deliver hands the complete frame to its lane, or dispatches it here if it
// keeps no place in any. One of an unknown kind goes the same way, for the place
// it may hold, and is skipped at its end.
func (b *bulkIn) deliver() error {
	frame, err := wire.Decode(b.data)
	if err != nil && !errors.Is(err, wire.ErrUnknownKind) {
		return err
	}
	if err == nil {
		k := frame.Kind()
		if b.lane == Control && keepsPlace(k) || b.lane != Control && !belongs(k, b.lane) {
			return &wire.ProtocolError{Kind: k, Reason: fmt.Sprintf("in chunks for the %s lane", b.lane)}
		}
	}
	out := bulkFrame{b.seq, frame, len(b.data), b.room}
	b.data, b.seq = nil, b.seq+1 // the frame aliases data
	if b.lane == Control {
		b.out.assembled(frame, out.size)
		b.out.flush()
		b.room.release()
		b.room = nil
		return nil
	}
	select {
	case b.in.ordered[b.lane] <- out:
		b.room = nil
		return nil
	case <-b.in.l.done:
		return actor.ErrUnreachable
	}
}
