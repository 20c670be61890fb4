package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"iris/topics/balance"
)

// Fleet is a run of balancers: askers that share nothing send requests to members,
// which have a few workers each and speeds of 1 to 2, and now and then run at half of
// that for a while. Arrivals are Poisson.
type Fleet struct {
	Members, Askers int
	Load            float64       // of what all members can do
	Heavy           bool          // Pareto service times (index 2.2) instead of exponential ones
	ReportDelay     time.Duration // until what a member says of its capacity reaches an asker
	Requests        int           // after a warm-up of a quarter of it
	Zones           int           // members and askers are spread over so many; at most 1: no zones
	Apart           time.Duration // one way delay between zones, beyond that within one
	Seed            uint64
	Check           bool // hold the balancers to their invariants
	Progress        func(what string, part float64)
}

const (
	workers = 4                      // of each member
	service = 10 * time.Millisecond  // mean, at speed 1
	oneWay  = 500 * time.Microsecond // within a zone
	slowFor = time.Second            // mean
	slowGap = 9 * time.Second        // mean
	// usable is the part of its speed that a member has on average.
	usable = 1 - 0.5*float64(slowFor)/float64(slowFor+slowGap)
)

// Validate says what is wrong with the numbers of f.
func (f Fleet) Validate() error {
	switch {
	case f.Members < 1 || f.Members > 100_000:
		return fmt.Errorf("members: %d: want 1 to 100000", f.Members)
	case f.Askers < 1 || f.Askers > 100_000:
		return fmt.Errorf("askers: %d: want 1 to 100000", f.Askers)
	case !(f.Load > 0 && f.Load < 1):
		return fmt.Errorf("load: %v: want a part of the capacity, above 0 and below 1", f.Load)
	case f.Requests < 1:
		return fmt.Errorf("requests: %d: want 1 or more", f.Requests)
	case f.ReportDelay < 0 || f.ReportDelay > time.Minute:
		return fmt.Errorf("report-delay: %v: want 0s to 1m", f.ReportDelay)
	case f.Zones < 0 || f.Zones > f.Members:
		return fmt.Errorf("zones: %d: want 0 to the number of members", f.Zones)
	case f.Apart < 0 || f.Apart > time.Second:
		return fmt.Errorf("apart: %v: want 0s to 1s", f.Apart)
	}
	return nil
}

// server is a member: a queue in front of its workers.
type server struct {
	id      int
	full    float64 // speed
	slow    bool
	load    int // requests there
	queue   []request
	coming  int             // requests on their way
	onWay   float64         // their work
	waiting float64         // work in the queue
	ends    []time.Duration // when the requests in work will be done
	latency time.Duration   // average of what requests took here
}

// request waits at a server.
type request struct {
	work     float64 // of mean 1
	came     time.Duration
	answered func()
}

// speed is that of a worker now.
func (v *server) speed() float64 {
	if v.slow {
		return v.full / 2
	}
	return v.full
}

// left is how long a request that comes now waits here for a worker; ahead also
// counts the requests that are on their way.
func (v *server) left(now time.Duration, ahead bool) time.Duration {
	busy, work := len(v.ends), v.waiting
	if ahead {
		busy, work = busy+v.coming, work+v.onWay
	}
	if busy < workers {
		return 0
	}
	left := time.Duration(work * float64(service) / v.speed())
	for _, e := range v.ends {
		left += e - now
	}
	return left / workers
}

// queueing is one Fleet under way, with one way to choose.
type queueing struct {
	Fleet
	now     time.Duration
	events  agenda
	seq     int
	arrives *rand.Rand
	servers []*server
	took    []time.Duration
	local   int
	hash    uint64
}

// chooser is a way to choose the member for a request; done runs when the answer
// is there.
type chooser interface {
	choose(q *queueing, asker int) (v *server, done func(balance.Load))
}

func (f Fleet) queueing() *queueing {
	q := &queueing{Fleet: f, arrives: rand.New(rand.NewPCG(f.Seed, 1)), hash: 14695981039346656037}
	for i := range f.Members {
		q.servers = append(q.servers, &server{id: i, full: 1 + q.arrives.Float64()})
	}
	for i, v := range q.servers { // each has a fate of its own, whoever chooses
		q.slowDown(v, rand.New(rand.NewPCG(f.Seed, 1<<32+uint64(i))))
	}
	return q
}

func (q *queueing) after(wait time.Duration, do func()) {
	q.seq++
	q.events.add(timed{q.now + wait, q.seq, do})
}

// slowDown halves the speed of a server for a second in ten, on average.
func (q *queueing) slowDown(v *server, fate *rand.Rand) {
	q.after(time.Duration(fate.ExpFloat64()*float64(slowGap)), func() {
		v.slow = true
		q.after(time.Duration(fate.ExpFloat64()*float64(slowFor)), func() {
			v.slow = false
			q.slowDown(v, fate)
		})
	})
}

func (q *queueing) zone(i int) string {
	if q.Zones < 2 {
		return ""
	}
	return fmt.Sprint("zone ", i%q.Zones)
}

// way is the one way delay between an asker and a member.
func (q *queueing) way(asker, member int) time.Duration {
	if q.Zones > 1 && asker%q.Zones != member%q.Zones {
		return oneWay + q.Apart
	}
	return oneWay
}

// run sends all requests and returns p50 and p99 of those after the warm-up.
func (q *queueing) run(c chooser, what string) (p50, p99 time.Duration) {
	capacity := 0.0
	for _, v := range q.servers {
		capacity += v.full * workers / service.Seconds() * usable
	}
	gap := float64(time.Second) / (capacity * q.Load)
	all := q.Requests + q.Requests/4
	left := all
	var arrive func()
	arrive = func() {
		work, asker := q.arrives.ExpFloat64(), q.arrives.IntN(q.Askers)
		if q.Heavy {
			work = heavyTail(q.arrives)
		}
		if left--; left > 0 {
			q.after(time.Duration(q.arrives.ExpFloat64()*gap), arrive)
		}
		if left%4096 == 0 && q.Progress != nil {
			q.Progress(what, 1-float64(left)/float64(all))
		}
		q.send(c, asker, work)
	}
	q.after(0, arrive)
	for len(q.took) < all {
		e := q.events.next()
		q.now = e.at
		e.do()
	}
	t := q.took[all-q.Requests:]
	slices.Sort(t)
	return t[len(t)/2], t[len(t)*99/100]
}

// send lets an asker choose a member for a request.
func (q *queueing) send(c chooser, asker int, work float64) {
	v, done := c.choose(q, asker)
	q.hash = (q.hash ^ uint64(v.id)<<32 ^ uint64(q.now)) * 1099511628211
	if q.zone(asker) == q.zone(v.id) {
		q.local++
	}
	begin := q.now
	v.coming++
	v.onWay += work
	q.after(q.way(asker, v.id), func() {
		v.coming--
		v.onWay -= work
		v.load++
		q.take(v, request{work, q.now, func() {
			load := v.says()
			q.after(q.way(asker, v.id), func() {
				q.took = append(q.took, q.now-begin)
				done(load)
			})
		}})
	})
}

// take has a worker of v do r, now or when one is free.
func (q *queueing) take(v *server, r request) {
	if len(v.ends) == workers {
		v.queue = append(v.queue, r)
		v.waiting += r.work
		return
	}
	end := q.now + time.Duration(r.work*float64(service)/v.speed())
	v.ends = append(v.ends, end)
	q.after(end-q.now, func() {
		i := slices.Index(v.ends, end)
		v.ends = slices.Delete(v.ends, i, i+1)
		v.load--
		v.learn(q.now - r.came)
		r.answered()
		if len(v.queue) > 0 {
			next := v.queue[0]
			v.queue = v.queue[1:]
			v.waiting -= next.work
			q.take(v, next)
		}
	})
}

// learn averages as a node does for its cluster: an eighth of each new one.
func (v *server) learn(took time.Duration) {
	if v.latency == 0 {
		v.latency = took
	} else {
		v.latency += (took - v.latency) / 8
	}
}

// heavyTail draws from a Pareto distribution of mean 1 and infinite third moment.
func heavyTail(r *rand.Rand) float64 {
	const a = 2.2
	return (a - 1) / a * math.Pow(1-r.Float64(), -1/a)
}
