package wire

import (
	"encoding/binary"
	"math"
	"slices"
)

// Events of the same topic and type, without a trace, differ in nothing but their
// data and the flag behind it. What such an event begins with is kept, so that the next
// one is a few copies:
//
//	prefix | head: 96 30 topic type | data | a0 | twin
//
// The bytes are those that Event.append writes once the lane knows both names.

// headSlots is how many heads a Writer keeps, a power of 2. Topics that fall on the
// same slot take turns in it.
const headSlots = 16

type heads [headSlots]eventHead

// eventHead is the beginning of the events of one topic and type. Names have two
// indices of at most three bytes, so it has at most 8.
type eventHead struct {
	topic, typ string // as in the dictionary
	bytes      [8]byte
	n          uint8 // of them in use; 0: the slot is free
}

// slot returns the slot of events of that topic, which is not empty.
func (h *heads) slot(topic string) *eventHead {
	return &h[(uint(len(topic))+uint(topic[len(topic)-1]))%headSlots]
}

// AppendEvent is Append for an event, which need not be on the heap for it.
func (w *Writer) AppendEvent(dst []byte, e *Event) ([]byte, error) {
	data := e.Body.Data
	h := w.headOf(e)
	if h == nil || len(data) > math.MaxUint16 {
		return w.appendFirst(dst, e)
	}
	n := int(h.n) + 2 + len(data) + 2
	if len(data) > math.MaxUint8 {
		n++
	}
	if n > w.max {
		return dst, ErrTooLarge
	}
	dst = binary.AppendUvarint(slices.Grow(dst, binary.MaxVarintLen32+len(h.bytes)+n), uint64(n))
	dst = append(dst, h.bytes[:]...)[:len(dst)+int(h.n)] // all of them are one store; the rest is written over
	if len(data) <= math.MaxUint8 {
		dst = append(dst, 0xc4, byte(len(data)))
	} else {
		dst = append(dst, 0xc5, byte(len(data)>>8), byte(len(data)))
	}
	dst = append(dst, data...)
	if e.Twin {
		return append(dst, 0xa0, 0xc3), nil
	}
	return append(dst, 0xa0, 0xc2), nil
}

// headOf returns the head of events like e; nil if none is kept.
func (w *Writer) headOf(e *Event) *eventHead {
	if w.heads == nil || e.Trace != "" || e.Topic == "" {
		return nil
	}
	if h := w.heads.slot(e.Topic); h.n > 0 && h.topic == e.Topic && h.typ == e.Body.Type {
		return h
	}
	return nil
}

// appendFirst is AppendEvent for one that no head is kept for.
func (w *Writer) appendFirst(dst []byte, e *Event) ([]byte, error) {
	w.begin(dst, e.Size())
	e.append(w)
	dst, err := w.finish(dst)
	if err == nil && e.Trace == "" {
		w.keepHead(e)
	}
	return dst, err
}

// keepHead keeps the head of events like e, if the dictionary has its names.
func (w *Writer) keepHead(e *Event) {
	topic, ok := w.names[e.Topic]
	if !ok {
		return
	}
	typ := ""
	if e.Body.Type != "" {
		i, ok := w.names[e.Body.Type]
		if !ok {
			return
		}
		typ = w.order[i]
	}
	if w.heads == nil {
		w.heads = new(heads)
	}
	h := w.heads.slot(e.Topic)
	h.topic, h.typ = w.order[topic], typ
	w.buf = h.bytes[:0]
	w.head(KindEvent, 5)
	w.name(h.topic)
	w.optName(h.typ)
	h.n = uint8(len(w.buf))
	w.buf = nil
}
