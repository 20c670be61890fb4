package balance

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var slow = flag.Bool("slow", false, "run the large versions")

// fleet is the queueing model behind the figures: member nodes with 4 workers
// and speeds of 1-2x that now and then run at half speed for a while; askers
// that share nothing; Poisson arrivals; 0.5 ms each way. Capacity reports of the
// members, once a second, reach the askers late.
type fleet struct {
	*queueSim
	cfg      fleetConfig
	slowed   []bool
	done     []int           // answered since the last report
	busy     []time.Duration // of the workers since then
	probes   int
	requests int
}

type fleetConfig struct {
	members, askers int
	load            float64
	heavy           bool // Pareto service times (index 2.2) instead of exponential ones
	delay           time.Duration
	requests        int
	silent          bool          // nobody reports capacities
	zones           int           // members and askers are spread over so many zones; 0 means 1
	apart           time.Duration // extra one way delay between zones
}

// heavyTail draws from a Pareto distribution of mean 1 and infinite third moment.
func heavyTail(r *rand.Rand) float64 {
	const a = 2.2
	return (a - 1) / a * math.Pow(1-r.Float64(), -1/a)
}

func newFleet(seed uint64, cfg fleetConfig) *fleet {
	f := &fleet{queueSim: &queueSim{rnd: rand.New(rand.NewPCG(seed, 1))}, cfg: cfg}
	for range cfg.members {
		f.servers = append(f.servers, &server{speed: 1 + f.rnd.Float64()})
	}
	f.slowed = make([]bool, cfg.members)
	f.done = make([]int, cfg.members)
	f.busy = make([]time.Duration, cfg.members)
	return f
}

// speed is that of a worker of member i now.
func (f *fleet) speed(i int) float64 {
	if f.slowed[i] {
		return f.servers[i].speed / 2
	}
	return f.servers[i].speed
}

func (f *fleet) zone(i int) string {
	if f.cfg.zones < 2 {
		return ""
	}
	return fmt.Sprint("zone", i%f.cfg.zones)
}

// way is the one way delay between an asker and a member.
func (f *fleet) way(asker, i int) time.Duration {
	if f.zone(asker) != f.zone(i) {
		return oneWay + f.cfg.apart
	}
	return oneWay
}

// execute queues a request at member i; answered gets the load it leaves and how
// long it took there.
func (f *fleet) execute(i int, answered func(load int, took time.Duration)) {
	v := f.servers[i]
	v.load++
	came := f.now
	start := func() {
		v.busy++
		work := f.rnd.ExpFloat64()
		if f.cfg.heavy {
			work = heavyTail(f.rnd)
		}
		d := time.Duration(work * float64(service) / f.speed(i))
		f.after(d, func() {
			v.busy--
			v.load--
			f.done[i]++
			f.busy[i] += d
			answered(v.load, f.now-came)
			if len(v.queue) > 0 {
				next := v.queue[0]
				v.queue = v.queue[1:]
				next()
			}
		})
	}
	if v.busy < workers {
		start()
	} else {
		v.queue = append(v.queue, start)
	}
}

// chooser is a balancing policy of all askers.
type chooser interface {
	pick(f *fleet, asker int) (member int, done func(load int, took time.Duration))
	report(f *fleet, member int, capacity float64)
}

// run returns p50 and p99 of all requests after the warm-up, and how uneven the
// members were used.
func (f *fleet) run(p chooser) (p50, p99 time.Duration) {
	capacity := 0.0
	for i, v := range f.servers {
		capacity += v.speed * workers / service.Seconds() * 0.95 // a tenth of the time at half speed
		f.slowDown(i)
		f.reportEverySecond(i, p)
	}
	gap := time.Duration(float64(time.Second) / (capacity * f.cfg.load))
	left := f.cfg.requests
	var arrive func()
	arrive = func() {
		if left--; left > 0 {
			f.after(f.exp(gap), arrive)
		}
		f.requests++
		asker := f.rnd.IntN(f.cfg.askers)
		i, done := p.pick(f, asker)
		begin := f.now
		f.after(f.way(asker, i), func() {
			f.execute(i, func(load int, took time.Duration) {
				f.after(f.way(asker, i), func() {
					f.took = append(f.took, f.now-begin)
					done(load, took)
				})
			})
		})
	}
	f.after(0, arrive)
	for len(f.took) < f.cfg.requests {
		e := f.events.pop()
		f.now = e.at
		e.do()
	}
	t := f.took[len(f.took)/5:]
	slices.Sort(t)
	return t[len(t)/2], t[len(t)*99/100]
}

// slowDown halves the speed of a member for a second in ten, on average.
func (f *fleet) slowDown(i int) {
	f.after(f.exp(9*time.Second), func() {
		f.slowed[i] = true
		f.after(f.exp(time.Second), func() {
			f.slowed[i] = false
			f.slowDown(i)
		})
	})
}

func (f *fleet) reportEverySecond(i int, p chooser) {
	f.after(time.Duration(f.rnd.Float64()*float64(time.Second)), func() {
		var again func()
		again = func() {
			if f.busy[i] > 0 {
				c := float64(f.done[i]) / f.busy[i].Seconds() * workers
				f.after(f.cfg.delay, func() { p.report(f, i, c) })
			}
			f.done[i], f.busy[i] = 0, 0
			f.after(time.Second, again)
		}
		f.after(time.Second, again)
	})
}

func (e *simEvents) pop() simEvent {
	o := *e
	x := o[0]
	n := len(o) - 1
	o[0], o[n] = o[n], simEvent{}
	o = o[:n]
	*e = o
	for i := 0; ; {
		k := 2*i + 1
		if k+1 < n && o.Less(k+1, k) {
			k++
		}
		if k >= n || !o.Less(k, i) {
			return x
		}
		o.Swap(i, k)
		i = k
	}
}

// oracle knows every queue and speed at this instant.
type oracle struct{}

func (oracle) report(*fleet, int, float64) {}

func (oracle) pick(f *fleet, _ int) (int, func(int, time.Duration)) {
	best, least := 0, math.Inf(1)
	for i, v := range f.servers {
		if w := float64(max(v.load+1, workers)) / f.speed(i); w < least || w == least && f.rnd.IntN(2) == 0 {
			best, least = i, w
		}
	}
	return best, func(int, time.Duration) {}
}

// shipped is this package, with the shell's part: probes that return after a
// round trip.
type shipped struct {
	balancers []*Balancer
	epoch     time.Time
	latency   []latencies // of members, their own estimate
}

func newShipped(f *fleet, seed uint64, cfg Config) *shipped {
	s := &shipped{epoch: time.Unix(1_000_000, 0), latency: make([]latencies, f.cfg.members)}
	for r := range f.cfg.askers {
		c := cfg
		c.Zone = f.zone(r)
		b := New(c, rand.New(rand.NewPCG(seed, uint64(r))))
		var list []Candidate
		for i := range f.cfg.members {
			list = append(list, Candidate{Node: serverID(i), Members: workers, Zone: f.zone(i)})
		}
		b.Update(list)
		s.balancers = append(s.balancers, b)
	}
	return s
}

func (s *shipped) report(f *fleet, i int, capacity float64) {
	if f.cfg.silent {
		return
	}
	for _, b := range s.balancers {
		b.Capacity(s.epoch.Add(f.now), serverID(i), capacity)
	}
}

func (s *shipped) load(f *fleet, i int) Load {
	l := Load{InFlight: uint32(f.servers[i].load)}
	if v, ok := s.latency[i].get(f.servers[i].load); ok {
		l.Latency = time.Duration(v * float64(time.Second))
	}
	return l
}

func (s *shipped) pick(f *fleet, r int) (int, func(int, time.Duration)) {
	b, begin := s.balancers[r], s.epoch.Add(f.now)
	n, _ := b.Pick(begin, up, nil)
	for _, m := range b.Probes(begin) {
		f.probes++
		i := int(m.Hi - 1)
		f.after(f.way(r, i), func() {
			l := s.load(f, i)
			f.after(f.way(r, i), func() { b.Report(s.epoch.Add(f.now), m, l) })
		})
	}
	at, i := b.Sent(n), int(n.Hi-1)
	return i, func(load int, took time.Duration) {
		now := s.epoch.Add(f.now)
		s.latency[i].learn(now, load, took, time.Second)
		l := s.load(f, i)
		b.Done(now, n, at, now.Sub(begin), Served, &l)
	}
}

// TestTailOfTheFleet holds the p99 to 1.2 times that of an oracle that knows all
// queues and speeds at each instant and sends each request to the least work.
func TestTailOfTheFleet(t *testing.T) {
	seeds, scale := uint64(1), 1
	if *slow {
		seeds, scale = 5, 20
	}
	for _, c := range []struct {
		name string
		cfg  fleetConfig
	}{
		{"64 askers at 90 %", fleetConfig{members: 64, askers: 64, load: 0.9, delay: 100 * time.Millisecond, requests: 30_000}},
		{"64 askers at 90 %, heavy tail", fleetConfig{members: 64, askers: 64, load: 0.9, delay: 100 * time.Millisecond, requests: 30_000, heavy: true}},
		{"64 askers at 90 %, no capacity reports", fleetConfig{members: 64, askers: 64, load: 0.9, requests: 30_000, silent: true}},
		{"2000 askers at 70 %", fleetConfig{members: 64, askers: 2000, load: 0.7, delay: 100 * time.Millisecond, requests: 30_000}},
		{"2000 askers at 70 %, heavy tail", fleetConfig{members: 64, askers: 2000, load: 0.7, delay: 100 * time.Millisecond, requests: 30_000, heavy: true}},
		{"2000 askers at 70 %, no capacity reports", fleetConfig{members: 64, askers: 2000, load: 0.7, requests: 30_000, silent: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.cfg.silent && !*slow {
				t.Skip("only with -slow")
			}
			for seed := range seeds {
				cfg := c.cfg
				cfg.requests *= scale
				_, o99 := newFleet(seed, cfg).run(oracle{})
				f := newFleet(seed, cfg)
				p50, p99 := f.run(newShipped(f, seed, Config{}))
				ratio := float64(p99) / float64(o99)
				t.Logf("seed %d: p50 %v p99 %v, oracle's p99 %v: %.2f times; %.2f probes per request", seed, p50, p99, o99, ratio, float64(f.probes)/float64(f.requests))
				if ratio > 1.2 {
					t.Errorf("%.2f times the oracle's", ratio)
				}
			}
		})
	}
}
