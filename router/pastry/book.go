package pastry

import "iris/internal/id"

// Handle stands for one incarnation of one node in a Book. State holds handles
// instead of ids and addresses: a routing table row is one cache line, and a
// hundred thousand nodes fit into a simulator.
type Handle int32

// None is the handle of nobody.
const None Handle = 0

// Book says which node a handle stands for. Whoever drives a Node fills it: an
// address book of the process that also knows addresses, or the one book that
// all nodes of a simulation share. A Node only reads it.
type Book struct {
	ids    []id.ID
	epochs []uint64
}

// NewBook returns a book without entries.
func NewBook() *Book { return &Book{ids: make([]id.ID, 1), epochs: make([]uint64, 1)} }

// Add gives a handle to the incarnation epoch of node n; a later start of the
// same node has a larger epoch.
func (b *Book) Add(n id.ID, epoch uint64) Handle {
	b.ids = append(b.ids, n)
	b.epochs = append(b.epochs, epoch)
	return Handle(len(b.ids) - 1)
}

// Set makes a handle that Uses no longer names stand for another node.
func (b *Book) Set(h Handle, n id.ID, epoch uint64) { b.ids[h], b.epochs[h] = n, epoch }

// ID returns the node of h.
func (b *Book) ID(h Handle) id.ID { return b.ids[h] }

// Epoch returns the incarnation of h.
func (b *Book) Epoch(h Handle) uint64 { return b.epochs[h] }

// Len returns the number of handles, None included.
func (b *Book) Len() int { return len(b.ids) }
