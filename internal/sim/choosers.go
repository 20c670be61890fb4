package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"iris/internal/id"
	"iris/topics/balance"
)

// oracle knows all queues, works and speeds at each instant, and sends a request to
// where the least work is left, of several idle members to the fastest. This is the
// oracle of the reference figures: it looks at members, so askers that choose within
// one way delay choose the same. With ahead it also knows what is on its way, and
// no balancer can be better.
type oracle struct{ ahead bool }

func (o oracle) choose(q *queueing, asker int) (*server, func(balance.Load)) {
	var best *server
	least := math.Inf(1)
	for _, v := range q.servers {
		w := float64(v.left(q.now, o.ahead)+2*q.way(asker, v.id)) + float64(service)/v.speed()
		if w < least {
			best, least = v, w
		}
	}
	return best, ignore
}

func ignore(balance.Load) {}

// random sends a request anywhere.
type random struct{ rng *rand.Rand }

func (r random) choose(q *queueing, _ int) (*server, func(balance.Load)) {
	return q.servers[r.rng.IntN(len(q.servers))], ignore
}

// shipped is the balancer of each asker, driven as the node drives it: loads come
// with answers and with probes, capacities are derived from them, late.
type shipped struct {
	balancers []*balance.Balancer
	probes    int
	err       error
}

func memberID(i int) id.ID { return id.ID{Hi: uint64(i) + 1} }

func everybody(id.ID) balance.Reach { return balance.Up }

func (q *queueing) shipped() *shipped {
	s := &shipped{}
	list := make([]balance.Candidate, len(q.servers))
	for i := range list {
		list[i] = balance.Candidate{Node: memberID(i), Members: workers, Zone: q.zone(i)}
	}
	for r := range q.Askers {
		b := balance.New(balance.Config{Zone: q.zone(r)}, rand.New(rand.NewPCG(q.Seed, 1<<33+uint64(r))))
		b.Update(list)
		s.balancers = append(s.balancers, b)
	}
	return s
}

// says is what a member says of itself.
func (v *server) says() balance.Load {
	return balance.Load{InFlight: uint32(v.load), Latency: v.latency}
}

// hears lets a balancer take a load.
func (s *shipped) hears(q *queueing, b *balance.Balancer, v *server, l balance.Load) {
	per := balance.PerSecond(workers, l.InFlight, l.Latency)
	q.after(q.ReportDelay, func() { b.Capacity(epoch.Add(q.now), memberID(v.id), per) })
}

func (s *shipped) choose(q *queueing, asker int) (*server, func(balance.Load)) {
	b, begin := s.balancers[asker], epoch.Add(q.now)
	n, _ := b.Pick(begin, everybody, nil)
	at := b.Sent(n)
	for _, m := range b.Probes(begin) {
		s.probe(q, asker, q.servers[m.Hi-1])
	}
	v := q.servers[n.Hi-1]
	return v, func(l balance.Load) {
		now := epoch.Add(q.now)
		b.Done(now, n, at, now.Sub(begin), balance.Served, &l)
		s.hears(q, b, v, l)
		if q.Check && s.err == nil {
			if s.err = b.Valid(); s.err != nil {
				s.err = fmt.Errorf("balancer of asker %d at %v: %w", asker, q.now, s.err)
			}
		}
	}
}

// probe asks a member for its load.
func (s *shipped) probe(q *queueing, asker int, v *server) {
	s.probes++
	q.after(q.way(asker, v.id), func() {
		l := v.says()
		q.after(q.way(asker, v.id), func() {
			s.balancers[asker].Report(epoch.Add(q.now), memberID(v.id), l)
			s.hears(q, s.balancers[asker], v, l)
		})
	})
}

// Balanced is what a Fleet measured.
type Balanced struct {
	Scenario string  `json:"scenario"`
	Seed     uint64  `json:"seed"`
	Members  int     `json:"members"`
	Askers   int     `json:"askers"`
	Load     float64 `json:"load"`
	Service  string  `json:"service"` // exp or heavy
	Requests int     `json:"requests"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Oracle50 float64 `json:"oracle_p50_ms"`
	Oracle99 float64 `json:"oracle_p99_ms"`
	Ratio    float64 `json:"p99_over_oracle"`
	Ideal99  float64 `json:"ideal_p99_ms"` // of an oracle that also knows what is on its way
	OfIdeal  float64 `json:"p99_over_ideal"`
	Probes   float64 `json:"probes_per_request"`
	Local    float64 `json:"local"` // part of the requests that stayed in the asker's zone
	Seconds  float64 `json:"seconds"`
	HeapMiB  float64 `json:"heap_mib"`
	Hash     string  `json:"hash"`
}

// Run sends the same requests by the shipped balancers and by an oracle.
func (f Fleet) Run() (*Balanced, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	began := clock()
	o50, o99 := f.queueing().run(oracle{}, "oracle")
	_, i99 := f.queueing().run(oracle{ahead: true}, "ideal")
	q := f.queueing()
	s := q.shipped()
	p50, p99 := q.run(s, "balancers")
	all := float64(f.Requests + f.Requests/4)
	r := &Balanced{
		Scenario: "balance", Seed: f.Seed, Members: f.Members, Askers: f.Askers, Load: f.Load, Service: "exp", Requests: f.Requests,
		P50: ms(p50), P99: ms(p99), Oracle50: ms(o50), Oracle99: ms(o99), Ratio: float64(p99) / float64(max(o99, time.Microsecond)),
		Ideal99: ms(i99), OfIdeal: float64(p99) / float64(max(i99, time.Microsecond)),
		Probes: float64(s.probes) / all, Local: float64(q.local) / all, HeapMiB: live(s), Seconds: clock().Sub(began).Seconds(),
		Hash: fmt.Sprintf("%016x", q.hash),
	}
	if f.Heavy {
		r.Service = "heavy"
	}
	return r, s.err
}
