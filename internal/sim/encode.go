package sim

import (
	"bytes"

	"iris/internal/id"
	"iris/router/pastry"
	"iris/transport/wire"
)

// codec sends messages through the wire format and back, as if each had crossed a
// link. It is the address book of all nodes, too.
type codec struct {
	book   *pastry.Book
	by     map[incarnation]pastry.Handle
	writer *wire.Writer
	reader *wire.Reader
	link   bytes.Buffer
	buf    []byte
}

type incarnation struct {
	node  id.ID
	epoch uint64
}

func newCodec(book *pastry.Book) *codec {
	c := &codec{book: book, by: map[incarnation]pastry.Handle{}, writer: wire.NewWriter()}
	c.writer.SetLimit(wire.MaxControl)
	c.reader = wire.NewReader(&c.link, wire.MaxControl)
	return c
}

// added notes a new handle of the book.
func (c *codec) added(h pastry.Handle) { c.by[incarnation{c.book.ID(h), c.book.Epoch(h)}] = h }

func (c *codec) Ref(h pastry.Handle) wire.NodeRef {
	return wire.NodeRef{ID: c.book.ID(h), Incarnation: c.book.Epoch(h)}
}

func (c *codec) Handle(n wire.NodeRef) pastry.Handle {
	return c.by[incarnation{n.ID, n.Incarnation}]
}

// frame sends f over the link. What comes out is valid until the next call.
func (c *codec) frame(f wire.Frame) (wire.Frame, error) {
	var err error
	if c.buf, err = c.writer.Append(c.buf[:0], f); err != nil {
		return nil, err
	}
	c.link.Write(c.buf)
	return c.reader.Next()
}

// message replaces m by what arrives of it.
func (c *codec) message(m *pastry.Msg) error {
	f, err := c.frame(pastry.Frame(m, c))
	if err != nil {
		return err
	}
	*m, err = pastry.Message(f, c)
	return err
}

// Encode has every message cross the wire from now on. It comes before the first
// node.
func (w *World) Encode() { w.codec = newCodec(w.book) }

// encode replaces a message of a node by what arrives of it.
func (w *World) encode(from pastry.Handle, m *pastry.Msg) {
	kind := m.Kind
	if err := w.codec.message(m); err != nil {
		w.fail("%v of node %v at %v: %w", kind, w.book.ID(from).Short(), w.now, err)
	}
}
