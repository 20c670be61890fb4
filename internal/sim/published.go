package sim

import (
	"errors"
	"fmt"
	"runtime"

	"iris/router/pastry"
)

// Failure is what went wrong with one seed of several.
type Failure struct {
	Seed uint64
	Err  error
}

func (f *Failure) Error() string { return fmt.Sprintf("seed %d: %v", f.Seed, f.Err) }

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }

// control returns how many messages of topics were sent that are no payload.
func (f *forest) control() (n uint64) {
	for k, x := range f.sent {
		if k < mailData {
			n += x
		}
	}
	return n
}

// overlayControl returns how many control messages the overlay has sent.
func (r *run) overlayControl() (n float64) {
	for k, x := range r.sent {
		if pastry.Kind(k).Control() {
			n += float64(x)
		}
	}
	return n
}

// merge takes over the delays of another topic.
func (a *audit) merge(b *audit) {
	for len(a.delays) < len(b.delays) {
		a.delays = append(a.delays, 0)
	}
	for i, n := range b.delays {
		a.delays[i] += n
	}
	a.longest = max(a.longest, b.longest)
	a.way += b.way
	a.direct += b.direct
}

// end fills in what is left of the result.
func (x *publishing) end(delays *audit) *Published {
	res := x.res
	for k, n := range res.sent {
		if k < mailData {
			res.TreeMsgs += float64(n)
		}
	}
	res.Control = (res.Control + res.TreeMsgs) / max(res.measured, 1)
	res.TreeMsgs /= max(res.measured, 1)
	res.Payloads = float64(res.sent[mailData]) / float64(max(res.Delivered, 1))
	res.P50, res.P99 = ms(delays.quantile(0.5)), ms(delays.quantile(0.99))
	res.Longest = ms(delays.longest)
	res.Detour = float64(delays.way) / float64(max(delays.direct, 1))
	res.Virtual, res.Steps, res.hash = x.now.Seconds(), x.steps, x.hash
	res.Hash = fmt.Sprintf("%016x", x.hash)
	res.Seconds = clock().Sub(x.began).Seconds()
	return res
}

// live returns the live memory in MiB, with what x holds.
func live(x any) float64 {
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	runtime.KeepAlive(x)
	return float64(mem.HeapAlloc) / (1 << 20)
}

// RunSeeds runs a number of seeds, the first being Seed, and sums up. It goes on
// after a failure; the errors are *Failure.
func (p Publishing) RunSeeds(n int) (*Published, error) {
	var sum *Published
	var errs []error
	for i := range n {
		one := p
		one.Seed += uint64(i)
		if p.Progress != nil && n > 1 {
			p.Progress("seeds", float64(i)/float64(n))
			one.Progress = nil
		}
		res, err := one.Run()
		if res == nil {
			return nil, err
		}
		if err != nil {
			errs = append(errs, &Failure{one.Seed, err})
		}
		if sum == nil {
			sum = res
		} else {
			sum.add(res)
		}
	}
	return sum, errors.Join(errs...)
}

// add takes another seed into the result: counts are summed up, the rest averaged
// or the largest.
func (r *Published) add(x *Published) {
	a, b := float64(r.Seeds), float64(x.Seeds)
	for _, f := range []struct {
		p *float64
		v float64
	}{
		{&r.JoinsPerMember, x.JoinsPerMember},
		{&r.Unrepaired, x.Unrepaired},
		{&r.P50, x.P50},
		{&r.Detour, x.Detour},
		{&r.Payloads, x.Payloads},
		{&r.Quiet, x.Quiet},
		{&r.TreeMsgs, x.TreeMsgs},
		{&r.Control, x.Control},
	} {
		*f.p = (*f.p*a + f.v*b) / (a + b)
	}
	r.Seeds += x.Seeds
	r.Shape.add(x.Shape)
	r.Tally.add(x.Tally)
	r.P99, r.Longest, r.WholeAfter = max(r.P99, x.P99), max(r.Longest, x.Longest), max(r.WholeAfter, x.WholeAfter)
	r.HeapMiB = max(r.HeapMiB, x.HeapMiB)
	r.Virtual, r.Seconds, r.Steps = r.Virtual+x.Virtual, r.Seconds+x.Seconds, r.Steps+x.Steps
	for k, n := range x.sent {
		r.sent[k] += n
	}
	r.measured += x.measured
	r.hash = (r.hash ^ x.hash) * 1099511628211
	r.Hash = fmt.Sprintf("%016x", r.hash)
}

// ByKind returns the messages of topics per node and second by what they were,
// while events were published.
func (r *Published) ByKind() map[string]float64 {
	m := map[string]float64{}
	for k, n := range r.sent {
		if n > 0 {
			m[mailNames[k]] = float64(n) / max(r.measured, 1)
		}
	}
	return m
}
