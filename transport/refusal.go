package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"iris/actor"
)

// refusalsEvery is how often refused strangers are reported, per address of
// the host; between reports they are counted.
const refusalsEvery = time.Minute

// reportsPerMinute bounds the reports about all hosts together: whoever has many
// addresses must not fill the log.
const reportsPerMinute = 60

// refusals reports connections that were refused, at most once a minute per
// host, with the number of those that were not reported.
type refusals struct {
	mu      sync.Mutex // guards the following fields
	seen    map[string]*refusal
	minute  time.Time // start of the current minute of reports
	reports int
	total   uint64
}

type refusal struct {
	last  time.Time
	since uint64
}

// maxRefusals bounds the hosts remembered; the table starts over beyond.
const maxRefusals = 1024

// note counts a refusal of host and reports whether to log it now, and how
// many were refused since the last report.
func (r *refusals) note(host string, now time.Time) (count uint64, report bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total++
	s := r.seen[host]
	if s == nil {
		if r.seen == nil || len(r.seen) >= maxRefusals {
			r.seen = make(map[string]*refusal)
		}
		s = &refusal{}
		r.seen[host] = s
	}
	s.since++
	if !s.last.IsZero() && now.Sub(s.last) < refusalsEvery {
		return 0, false
	}
	if now.Sub(r.minute) >= time.Minute {
		r.minute, r.reports = now, 0
	}
	if r.reports++; r.reports > reportsPerMinute {
		return 0, false
	}
	count, s.last, s.since = s.since, now, 0
	return count, true
}

// refuse reports that a stranger at addr was turned away.
func (e *Endpoint) refuse(addr string, err error) {
	host := addr
	if a, ok := hostOf(addr); ok {
		host = a
	}
	count, report := e.refused.note(host, time.Now())
	if !report {
		return
	}
	e.log.Warn("refused a connection", "addr", addr, "reason", err, "refused", count)
	e.sys.Events().Publish(&actor.LinkRefused{Addr: addr, Reason: err.Error()})
}

// Refused returns how many connections of strangers were turned away.
func (e *Endpoint) Refused() uint64 {
	e.refused.mu.Lock()
	defer e.refused.mu.Unlock()
	return e.refused.total
}

// handshakeFailed looks at the end of a connection that was never accepted:
// the only sign of a stranger with another key.
func (e *Endpoint) handshakeFailed(addr string, cause error) {
	if e.ctx.Err() != nil {
		return
	}
	if t, ok := errors.AsType[*quic.TransportError](cause); ok && t.ErrorCode.IsCryptoError() {
		e.refuse(addr, foreignKey(t))
		return
	}
	if errors.Is(cause, context.Canceled) || cause == nil {
		return
	}
	if hungUp(cause) {
		return
	}
	e.refuse(addr, cause)
}

// hungUp reports whether the dialler closed the connection itself, such as for
// another link of the pair. Before its handshake is over the code is hidden (RFC
// 9000, section 10.2.3).
func hungUp(cause error) bool {
	if a, ok := errors.AsType[*quic.ApplicationError](cause); ok {
		return a.Remote
	}
	t, ok := errors.AsType[*quic.TransportError](cause)
	return ok && t.Remote && t.ErrorCode == quic.ApplicationErrorErrorCode
}

type foreignError struct{ cause *quic.TransportError }

// foreignKey says in the network's terms why TLS failed.
func foreignKey(t *quic.TransportError) error { return &foreignError{t} }

func (e *foreignError) Unwrap() error { return e.cause }

func (e *foreignError) Error() string {
	alert := tls.AlertError(e.cause.ErrorCode - 0x100)
	if alert == 120 { // no_application_protocol, RFC 7301
		return "another network name or key, or another protocol version"
	}
	return "not a holder of the network key (" + alert.Error() + ")"
}
