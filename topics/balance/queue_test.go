package balance

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"iris/internal/id"
)

// The simulation behind these figures: servers with 4 workers each and speeds
// 1-2x, Poisson arrivals at several requesters who share nothing, exponential
// service of 10 ms, 0.5 ms each way.

type queueSim struct {
	rnd     *rand.Rand
	now     time.Duration
	events  simEvents
	seq     int
	servers []*server
	took    []time.Duration
}

type server struct {
	speed float64
	busy  int
	queue []func()
	load  int
}

const (
	workers = 4
	service = 10 * time.Millisecond
	oneWay  = 500 * time.Microsecond
)

type simEvent struct {
	at  time.Duration
	seq int
	do  func()
}

type simEvents []simEvent

func (e simEvents) Len() int { return len(e) }
func (e simEvents) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e simEvents) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *simEvents) Push(x any)   { *e = append(*e, x.(simEvent)) }
func (e *simEvents) Pop() any     { o := *e; x := o[len(o)-1]; *e = o[:len(o)-1]; return x }

func (s *queueSim) after(d time.Duration, do func()) {
	s.seq++
	heap.Push(&s.events, simEvent{s.now + d, s.seq, do})
}

func (s *queueSim) exp(mean time.Duration) time.Duration {
	return time.Duration(s.rnd.ExpFloat64() * float64(mean))
}

// serve queues a request at server i; answered runs when it has been executed.
func (s *queueSim) serve(i int, answered func(load int)) {
	v := s.servers[i]
	v.load++
	start := func() {
		v.busy++
		s.after(time.Duration(float64(s.exp(service))/v.speed), func() {
			v.busy--
			v.load--
			answered(v.load)
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

type policy func(s *queueSim, requester int) (server int, done func(load int))

// runQueue returns the p50 and p99 of a policy over n requests.
func runQueue(seed uint64, servers, requesters, n int, load float64, p policy) (p50, p99 time.Duration) {
	s := &queueSim{rnd: rand.New(rand.NewPCG(seed, 1))}
	capacity := 0.0
	for range servers {
		v := &server{speed: 1 + s.rnd.Float64()}
		s.servers = append(s.servers, v)
		capacity += v.speed * workers / service.Seconds()
	}
	gap := time.Duration(float64(time.Second) / (capacity * load))
	var arrive func()
	left := n
	arrive = func() {
		if left--; left > 0 {
			s.after(s.exp(gap), arrive)
		}
		i, done := p(s, s.rnd.IntN(requesters))
		begin := s.now
		s.after(oneWay, func() {
			s.serve(i, func(load int) {
				s.after(oneWay, func() {
					s.took = append(s.took, s.now-begin)
					done(load)
				})
			})
		})
	}
	s.after(0, arrive)
	for len(s.events) > 0 {
		e := heap.Pop(&s.events).(simEvent)
		s.now = e.at
		e.do()
	}
	t := s.took[len(s.took)/10:] // the warm-up is not judged
	slices.Sort(t)
	return t[len(t)/2], t[len(t)*99/100]
}

func serverID(i int) id.ID { return id.ID{Hi: uint64(i) + 1} }

func ourPolicy(seed uint64, servers, requesters int) policy {
	var balancers []*Balancer
	var list []Candidate
	for i := range servers {
		list = append(list, Candidate{Node: serverID(i), Members: workers})
	}
	for r := range requesters {
		b := New(Config{}, rand.New(rand.NewPCG(seed, uint64(r))))
		b.Update(list)
		balancers = append(balancers, b)
	}
	epoch := time.Unix(1_000_000, 0)
	up := func(id.ID) Reach { return Up }
	return func(s *queueSim, r int) (int, func(int)) {
		b, begin := balancers[r], epoch.Add(s.now)
		n, _ := b.Pick(begin, up, nil)
		at := b.Sent(n)
		return int(n.Hi - 1), func(load int) {
			now := epoch.Add(s.now)
			b.Done(now, n, at, now.Sub(begin), Served, &Load{InFlight: uint32(load)})
		}
	}
}

func randomPolicy(s *queueSim, _ int) (int, func(int)) {
	return s.rnd.IntN(len(s.servers)), func(int) {}
}

// oraclePolicy knows every queue at this instant.
func oraclePolicy(s *queueSim, _ int) (int, func(int)) {
	best := 0
	for i, v := range s.servers {
		w := s.servers[best]
		if float64(v.load+1)/v.speed < float64(w.load+1)/w.speed {
			best = i
		}
	}
	return best, func(int) {}
}

func TestTailComparedToRandomAndOracle(t *testing.T) {
	for _, c := range []struct {
		name                string
		servers, requesters int
		load                float64
		oracle, random      float64 // p99 <= oracle times the oracle's, <= random times random's
	}{
		{"16 servers 4 requesters 70 %", 16, 4, 0.7, 2.5, 0.5},
		{"16 servers 4 requesters 90 %", 16, 4, 0.9, 3, 0.2},
		{"64 servers 64 requesters 70 %", 64, 64, 0.7, 2.5, 0.7},
		{"3 servers 1 requester 80 %", 3, 1, 0.8, 2.5, 0.8},
	} {
		t.Run(c.name, func(t *testing.T) {
			const seed, n = 7, 20_000
			o50, o99 := runQueue(seed, c.servers, c.requesters, n, c.load, oraclePolicy)
			r50, r99 := runQueue(seed, c.servers, c.requesters, n, c.load, randomPolicy)
			p50, p99 := runQueue(seed, c.servers, c.requesters, n, c.load, ourPolicy(seed, c.servers, c.requesters))
			t.Logf("p50/p99: ours %v/%v, random %v/%v, oracle %v/%v", p50, p99, r50, r99, o50, o99)
			if float64(p99) > c.oracle*float64(o99) {
				t.Errorf("p99 is %v, more than %v times the oracle's %v", p99, c.oracle, o99)
			}
			if float64(p99) > c.random*float64(r99) {
				t.Errorf("p99 is %v, more than %v times random's %v", p99, c.random, r99)
			}
		})
	}
}
