package actor

// Batch is what an actor with Props.Batches gets of events and broadcasts: those that came together, from one node for
// one topic or cluster, in their order; Meta is that of all. At least one.
//
//	case *actor.Batch:
//		for i := range m.Len() {
//			sum += len(m.At(i))
//		}
//
// It is lent: it, and what At returns, must not be used after Receive returned, nor be changed. A batch kept beyond that
// is empty, or another one.
type Batch struct {
	b     *Bundle
	begin int // its first message in b
	alone any // the message, if it did not come in a bundle
	n     int
}

// Len returns the number of messages.
func (b *Batch) Len() int { return b.n }

// At returns message i, from 0: its bytes, valid until Receive returns. For a message of a registered type it is the
// encoded form, or nil if it was sent on this node; Clone decodes it.
func (b *Batch) At(i int) Bytes {
	if b.b != nil {
		return b.b.data(b.index(i))
	}
	b.index(i)
	alone, _ := b.alone.(Bytes)
	return alone
}

// Type returns the name under which the type of message i was registered, "" for Bytes and what was sent on this node.
func (b *Batch) Type(i int) string {
	if b.b != nil {
		return b.b.typ(b.index(i))
	}
	return ""
}

// Clone returns message i as an actor without Props.Batches gets it: Bytes or a value of a registered type, which may be
// kept. A *CodecError says that it cannot be decoded.
func (b *Batch) Clone(i int) (any, error) {
	i = b.index(i)
	if b.b == nil {
		return b.alone, nil
	}
	return Decode(b.b.typ(i), b.b.data(i))
}

// index is the place of message i in the bundle.
func (b *Batch) index(i int) int {
	if uint(i) >= uint(b.n) {
		panic("actor: index out of the range of a Batch")
	}
	return b.begin + i
}
