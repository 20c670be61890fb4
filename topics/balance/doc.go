// Package balance chooses the member node that serves a request.
//
// Two members are sampled by weight and compared by fresh signals ("power of
// two choices", Mitzenmacher 2001; the hot/cold rule is Prequal's, Wydrowski
// et al., NSDI 2024):
//
//	members ──sample 2 by weight──▶ a, b
//	                                 │ rif  = max(own in flight, piggybacked in flight if <= 1 s old)
//	                                 │ lat  = peak EWMA of latency at that rif
//	                                 ▼
//	       rif per member above the 80th percentile of those seen = hot
//	       both cold: lower latency wins · otherwise: lower rif per member · tie: random
//
// Periodic reports are never compared, they only weigh the sample: everybody
// who compares the same stale report picks the same victim.
//
// Lifecycle: [New], then [Balancer.Update] on each change of the member list,
// [Balancer.Pick] and [Balancer.Done] around each request, [Balancer.Report]
// for probes and zones later.
//
// Concurrency: the package is pure and a Balancer is not safe for concurrent
// use; its owner holds a lock for the few hundred nanoseconds a call takes.
// Time and randomness are passed in. No call fails: the absence of an eligible
// member is the false of Pick.
package balance
