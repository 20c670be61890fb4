package actor

import proto "github.com/asynkron/protoactor-go/actor"

// The load of a mailbox is one number, so that it changes in one step: messages above, bytes below.
const (
	loadBytes   = 36 // bits
	maxMessages = 1 << (64 - loadBytes - 1)
	maxBytes    = 1 << (loadBytes - 1)
)

func loadOf(messages, bytes int64) uint64 { return uint64(messages)<<loadBytes + uint64(bytes) }

func split(load uint64) (messages, bytes int64) {
	return int64(load >> loadBytes), int64(load & (1<<loadBytes - 1))
}

// post queues a user message: ErrOverloaded (full), ErrNoActor (stopping). Messages that are bounded elsewhere, such as
// answers and timers, are exempt from the bounds. It does not block.
func (m *mailbox) post(msg any, exempt bool) error {
	size := sizeOf(msg)
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return errMailboxClosed
	}
	if !exempt {
		n, bytes := split(m.load.Load())
		if n >= int64(m.cell.props.messages) || size > 0 && n > 0 && bytes+size > m.allowance(bytes+size) {
			first := m.refuse(1)
			m.mu.Unlock()
			if first {
				m.cell.sys.events.Publish(&Overloaded{What: m.cell.pid.Id, Dropped: 1})
			}
			return ErrOverloaded
		}
	}
	m.push(msg, loadOf(1, size))
	return nil
}

// postParcel queues as many messages of p, from the first on, as the bounds allow, and takes p over unless it returns 0.
// The error says why not all were taken. It does not block.
func (m *mailbox) postParcel(p *parcel) (taken int, err error) {
	all := p.end
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return 0, errMailboxClosed
	}
	n, bytes := split(m.load.Load())
	taken = int(min(int64(all), max(int64(m.cell.props.messages)-n, 0)))
	room := max(m.allowance(bytes+p.bytes())-bytes, 0)
	if n == 0 {
		room = max(room, int64(p.b.begin(1))) // an empty queue takes any message
	}
	taken = p.b.fitting(taken, room)
	first := taken < all && m.refuse(uint64(all-taken))
	if taken > 0 {
		p.end = taken
		m.push(p, loadOf(int64(taken), p.bytes()))
	} else {
		m.mu.Unlock()
	}
	if first {
		m.cell.sys.events.Publish(&Overloaded{What: m.cell.pid.Id, Dropped: uint64(all - taken)})
	}
	if taken < all {
		err = ErrOverloaded
	}
	return taken, err
}

// refuse counts n messages that were not taken. It reports whether they are the first since there was room. Called
// under mu.
func (m *mailbox) refuse(n uint64) (first bool) {
	first = !m.refusing
	m.refusing = true
	m.refused += n
	return first
}

// push queues an entry and wakes the mailbox. It is called under mu and returns without it.
func (m *mailbox) push(entry any, load uint64) {
	m.load.Add(load)
	m.user.push(entry)
	wake := m.started && !m.running && !m.suspended
	if wake {
		m.running = true
	}
	m.mu.Unlock()
	if wake {
		m.cell.sys.dispatcher.schedule(m)
	}
}

// relieved reports the end of an overload, under mu.
func (m *mailbox) relieved() (bool, uint64) {
	if !m.refusing {
		return false, 0
	}
	if n, bytes := split(m.load.Load()); n > int64(m.cell.props.messages/2) || bytes > int64(m.cell.props.bytes/2) {
		return false, 0
	}
	n := m.refused
	m.refusing, m.refused = false, 0
	return true, n
}

func (m *mailbox) postSystem(msg any) {
	m.mu.Lock()
	m.sys.push(msg)
	m.urgent.Store(true)
	wake := m.started && !m.running
	if wake {
		m.running = true
	}
	m.mu.Unlock()
	if wake {
		m.cell.sys.dispatcher.schedule(m)
	}
}

// sizeOf is the number of bytes a message is charged with; 0 = unknown.
func sizeOf(msg any) int64 {
	switch m := msg.(type) {
	case *Inbound:
		return int64(m.Size)
	case *proto.MessageEnvelope:
		return sizeOf(m.Message)
	case Bytes:
		return int64(len(m))
	case []byte:
		return int64(len(m))
	case string:
		return int64(len(m))
	}
	return 0
}
