package relay

import (
	"errors"
	"net"
	"time"

	"iris/node/relay/packet"
)

// parts reads packets from a connection. It notices a client that has begun one and sends no
// more of it, which would keep its memory for nothing.
type parts struct {
	*packet.Reader
	conn net.Conn
	late *time.Timer // nil while nobody wants to know
}

func newParts(conn net.Conn, limits packet.Limits) *parts {
	p := &parts{conn: conn}
	p.Reader = packet.NewReader(p, packet.FromClient, limits)
	return p
}

// watch has late called when no more of a packet has come for partTimeout, until stop is.
// Both are called by whoever calls Next.
func (p *parts) watch(late func()) (stop func()) {
	p.late = time.AfterFunc(partTimeout, late)
	p.late.Stop()
	return func() { p.late.Stop() }
}

// Read implements io.Reader, for the Reader.
func (p *parts) Read(b []byte) (int, error) {
	if p.late == nil || !p.Inside() {
		return p.conn.Read(b)
	}
	p.late.Reset(partTimeout)
	n, err := p.conn.Read(b)
	p.late.Stop()
	return n, err
}

var errPart = errors.New("the rest of a packet has not come for a minute")
