package actor

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"
)

// Bounds of a Gather, and so of the bundle made from it.
const (
	gatherBytes    = 32 << 10 // of payloads
	gatherLargest  = 8 << 10  // of one
	gatherMessages = 2048
	gatherTypes    = 256
)

// Gather collects messages that have the same Delivery, until a Bundle is made of them. What it copies them to becomes
// the memory of the bundle, if they are about as many as the ones before. The zero value is empty. Not safe for
// concurrent use.
type Gather struct {
	into  *Bundle  // the next one, in nobody else's hands; nil: nothing was added yet
	slab  []byte   // its memory; slab[:bytes] are the payloads
	class int      // of the bundle before, likely that of the next one
	table []uint64 // table[:n] has an entry for each message, see entry
	bytes int
	n     int
	types []string // of the messages, in the order of their first use
	last  int      // index in types of the latest message
}

// entry says where the payload of a message begins and ends and of which type it is.
func entry(begin, end, typ int) uint64 { return uint64(begin)<<36 | uint64(end)<<8 | uint64(typ) }

const entrySize = 8 // bytes in the memory of a bundle

func beginOf(entry uint64) int { return int(entry >> 36) }
func endOf(entry uint64) int   { return int(entry >> 8 & (1<<28 - 1)) }

// Add copies a message as it came from the network: its type name, empty for Bytes, and its data. It reports false, and
// adds nothing, if the message does not fit: make a Bundle first. What is larger than 8 KiB never does: it is better off
// with an Inbound of its own, where it is copied once at most.
func (g *Gather) Add(typ string, data []byte) bool {
	if g.n == gatherMessages || g.bytes+len(data) > gatherBytes || len(data) > gatherLargest {
		return false
	}
	if len(g.types) == 0 || g.types[g.last] != typ {
		if !g.use(typ) {
			return false
		}
	}
	if g.into == nil || g.n == len(g.table) || g.bytes+len(data) > len(g.slab) {
		g.grow(len(data))
	}
	begin := g.bytes
	g.bytes += copy(g.slab[begin:], data)
	g.table[g.n] = entry(begin, g.bytes, g.last)
	g.n++
	return true
}

// grow makes room for one more message of so many bytes.
func (g *Gather) grow(size int) {
	if g.n == len(g.table) {
		g.table = append(g.table, make([]uint64, max(64, g.n))...)
	}
	if need := g.bytes + size; g.into == nil || need > len(g.slab) {
		b := unused(max(classOf(need), g.class))
		copy(b.mem, g.slab[:g.bytes])
		g.take(b)
	}
}

// take goes on with b, which may be nil, in place of the bundle that was being filled.
func (g *Gather) take(b *Bundle) {
	if g.into != nil {
		g.into.putBack()
	}
	g.into, g.slab = b, nil
	if b != nil {
		g.slab = b.mem
	}
}

// use makes typ the type of what comes.
func (g *Gather) use(typ string) bool {
	for i, t := range g.types {
		if t == typ {
			g.last = i
			return true
		}
	}
	if len(g.types) == gatherTypes {
		return false
	}
	g.last = len(g.types)
	g.types = append(g.types, typ)
	return true
}

// Len returns the number of messages.
func (g *Gather) Len() int { return g.n }

// Type returns the type name of the first message.
func (g *Gather) Type() string { return g.types[0] }

// Data returns the first message, valid until something is added after Reset.
func (g *Gather) Data() []byte { return g.slab[:endOf(g.table[0])] }

// Reset forgets the messages.
func (g *Gather) Reset() {
	clear(g.types)
	g.bytes, g.n, g.types, g.last = 0, 0, g.types[:0], 0
}

// Bundle is some messages of one Delivery on their way into mailboxes: it takes one entry in each, whatever their number,
// and is shared by all. Its memory holds no pointers, is used again when nobody needs it any more, and is less than twice
// what the messages need, or leastBundle.
//
//	mem │ payload 0 │ payload 1 │ ... │ entry 0 │ entry 1 │ ...
type Bundle struct {
	head  *Inbound // what the messages have in common; immutable
	mem   []byte
	table int      // where the entries begin in mem: the bytes of all payloads
	n     int      // messages
	types []string // that the entries mean
	users atomic.Int32
	first parcel // of the first target, spares an allocation
	taken bool   // first is in use; written by who delivers
}

// bundles recycles bundles by the size of their memory, powers of two from leastBundle on. Shared by the systems of a
// process; it holds no state of theirs.
var bundles [8]sync.Pool

const leastBundle = 512

// classOf returns the place in bundles of those whose memory holds so many bytes.
func classOf(size int) int { return bits.Len(uint(max(size-1, 0)) / leastBundle) }

// unused returns a bundle of that class, which is empty.
func unused(class int) *Bundle {
	if b, ok := bundles[class].Get().(*Bundle); ok {
		return b
	}
	return &Bundle{mem: make([]byte, leastBundle<<class)}
}

// putBack ends the use of a bundle that is empty and in nobody's hands.
func (b *Bundle) putBack() { bundles[classOf(len(b.mem))].Put(b) }

// Bundle makes one of the messages gathered, of which there is at least one, and resets g. head says what they have in
// common: its Delivery and From are used, and must not change any more. The caller gives the bundle to actors by
// System.DeliverBundle, and then calls Release.
func (g *Gather) Bundle(head *Inbound) *Bundle {
	b := g.into
	g.class = classOf(g.bytes + entrySize*g.n)
	if classOf(len(b.mem)) == g.class {
		g.into = nil
	} else {
		b = unused(g.class)
		copy(b.mem, g.slab[:g.bytes])
	}
	g.take(nil)
	b.head, b.table, b.n = head, g.bytes, g.n
	b.types = append(b.types, g.types...)
	b.users.Store(1)
	at := b.mem[b.table:]
	for i, e := range g.table[:g.n] {
		binary.LittleEndian.PutUint64(at[entrySize*i:], e)
	}
	g.Reset()
	return b
}

// Release ends the caller's use of the bundle.
func (b *Bundle) Release() {
	if b.users.Add(-1) > 0 {
		return
	}
	clear(b.types)
	b.head, b.types, b.taken, b.first = nil, b.types[:0], false, parcel{}
	b.putBack()
}

func (b *Bundle) entry(i int) uint64 { return binary.LittleEndian.Uint64(b.mem[b.table+entrySize*i:]) }

// end returns where the payload of message i ends, and the index of its type.
func (b *Bundle) end(i int) (end, typ int) {
	e := b.entry(i)
	return endOf(e), int(e & 0xff)
}

// begin returns where the payload of message i begins: the bytes of all before it.
func (b *Bundle) begin(i int) int {
	if i == b.n {
		return b.table
	}
	return beginOf(b.entry(i))
}

// data returns the payload of message i, valid until the bundle is released.
func (b *Bundle) data(i int) []byte {
	e := b.entry(i)
	return b.mem[beginOf(e):endOf(e):endOf(e)]
}

// typ returns the type name of message i, empty for Bytes.
func (b *Bundle) typ(i int) string {
	_, typ := b.end(i)
	return b.types[typ]
}

// fitting returns how many of the first n messages have no more than so many bytes together.
func (b *Bundle) fitting(n int, bytes int64) int {
	if int64(b.begin(n)) <= bytes {
		return n
	}
	low, high := 0, n // the first low fit, the first high do not
	for high-low > 1 {
		if mid := (low + high) / 2; int64(b.begin(mid)) <= bytes {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// parcel is what one actor gets of a bundle, as an entry of its mailbox: the messages from next on, before end.
type parcel struct {
	b         *Bundle
	next, end int
}

// parcel returns a new one with all messages, which uses the bundle until it is released.
func (b *Bundle) parcel() *parcel {
	b.users.Add(1)
	p := &b.first
	if b.taken {
		p = new(parcel)
	}
	b.taken = true
	*p = parcel{b, 0, b.n}
	return p
}

func (p *parcel) release() { p.b.Release() }

// bytes returns the size of the messages that are left.
func (p *parcel) bytes() int64 { return int64(p.b.begin(p.end) - p.b.begin(p.next)) }
