package tunnels

import (
	"math"
	"sync"
	"time"

	"iris/internal/best"
	"iris/internal/id"
)

// Info describes one end of a tunnel.
type Info struct {
	ID, Cluster string
	Peer        id.ID
	Opened      bool // by this end
	Since       time.Time
	Sent        uint64 // payload bytes
	Received    uint64
	SendRate    float64 // payload bytes per second of late
	RecvRate    float64
	Credit      uint64        // bytes that may be sent now
	Unread      int           // payload bytes that the application has not taken
	Stalled     time.Duration // for how long a sender has waited for credit; 0: none does
}

// List describes the tunnels that are open, in the order of their ids: those after an
// id, at most limit. total counts all. Rates are measured from one call to the next, so
// the first gives the average since the tunnel was opened.
func (ts *Tunnels) List(after string, limit int) (list []Info, total int) {
	page := best.New(limit, func(a, b *Tunnel) bool { return a.id < b.id })
	ts.mu.Lock()
	total = len(ts.open)
	for t := range ts.open {
		if t.id > after {
			page.Offer(t)
		}
	}
	ts.mu.Unlock()
	now := time.Now()
	for _, t := range page.Sorted() {
		i := t.describe(now)
		i.SendRate, i.RecvRate = ts.rates.measure(now, t, &i)
		list = append(list, i)
	}
	return list, total
}

// Len returns how many tunnel ends are open.
func (ts *Tunnels) Len() int {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return len(ts.open)
}

func (t *Tunnel) describe(now time.Time) Info {
	i := Info{ID: t.id, Cluster: t.cluster, Peer: t.peer, Opened: t.opened, Since: t.since}
	t.out.mu.Lock()
	i.Sent, i.Credit = t.out.bytes, t.out.flow.Credit()
	if t.out.starving {
		i.Stalled = now.Sub(t.out.stallSince)
	}
	t.out.mu.Unlock()
	t.in.mu.Lock()
	i.Received, i.Unread = t.in.bytes, t.in.store.unread()
	t.in.mu.Unlock()
	return i
}

const (
	rateWindow = 2 * time.Second        // time constant of a rate
	rateStep   = 200 * time.Millisecond // a shorter time between two looks says nothing
	maxRates   = 4096                   // tunnels whose rates are remembered
)

// rates remembers what was seen of tunnels that somebody looked at. Others have none.
type rates struct {
	mu   sync.Mutex // guards seen
	seen map[*Tunnel]*rate
}

type rate struct {
	at         time.Time
	sent, recv uint64
	out, in    float64
}

// measure returns the rates of a tunnel that has sent and received what i says.
func (r *rates) measure(now time.Time, t *Tunnel, i *Info) (out, in float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.seen[t]
	if x == nil {
		if r.seen == nil || len(r.seen) >= maxRates {
			r.seen = make(map[*Tunnel]*rate)
		}
		x = &rate{at: i.Since}
		r.seen[t] = x
	}
	d := now.Sub(x.at)
	if d < rateStep {
		return x.out, x.in
	}
	old := math.Exp(-d.Seconds() / rateWindow.Seconds())
	if x.at.Equal(i.Since) {
		old = 0
	}
	x.out = x.out*old + (1-old)*float64(i.Sent-x.sent)/d.Seconds()
	x.in = x.in*old + (1-old)*float64(i.Received-x.recv)/d.Seconds()
	x.at, x.sent, x.recv = now, i.Sent, i.Received
	return x.out, x.in
}

func (r *rates) forget(t *Tunnel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, t)
}
