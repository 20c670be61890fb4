package relay

import "encoding/binary"

const (
	smallMessage = 4 << 10  // octets below which a message that waits behind others gets no memory of its own
	fullPack     = 32 << 10 // octets from which on a pack takes no further message
)

// line are the whole messages of a pipe that wait to go to the network, in their order. Small ones
// share memory, each behind its length: so what waits within a window of credit, which counts
// octets and not messages, is little more than twice the window, whatever its messages are.
type line struct {
	packs []pack
}

// pack is a message, or many that are small.
type pack struct {
	octets []byte
	held   uint64 // credit to grant when it has gone
	many   bool   // all of whose octets are to be granted; octets are lengths and messages
}

func (l *line) empty() bool { return len(l.packs) == 0 }

// push adds a message, which belongs to the line from now on, and the credit to grant for it.
func (l *line) push(m []byte, held uint64) {
	n := len(l.packs)
	if n == 0 || len(m) >= smallMessage || held != uint64(len(m)) {
		l.packs = append(l.packs, pack{octets: m, held: held})
		return
	}
	if last := l.packs[n-1]; !last.many || len(last.octets) >= fullPack {
		l.packs = append(l.packs, pack{many: true})
		n++
	}
	last := &l.packs[n-1]
	last.octets = append(binary.AppendUvarint(last.octets, held), m...)
}

// pop removes the first message; there is one. The message is valid as long as nobody changes it.
func (l *line) pop() (m []byte, held uint64) {
	first := &l.packs[0]
	if m, held = first.octets, first.held; first.many {
		n, size := binary.Uvarint(first.octets)
		m, held = first.octets[size:size+int(n)], n
		if first.octets = first.octets[size+int(n):]; len(first.octets) > 0 {
			return m, held
		}
	}
	*first = pack{}
	l.packs = l.packs[1:]
	return m, held
}

// clear removes all messages and returns the credit to grant for them.
func (l *line) clear() (held uint64) {
	for !l.empty() {
		_, n := l.pop()
		held += n
	}
	return held
}
