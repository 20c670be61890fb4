// Package balance chooses the member node that serves a request.
//
// Two members are sampled by weight and compared with each other and with the
// members heard of last, by fresh signals ("power of two choices", Mitzenmacher
// 2001; the hot/cold rule and the pool of reports are Prequal's, Wydrowski et al.,
// NSDI 2024):
//
//	members ──sample 2 by weight──▶ a, b     pool: <= 8 latest reports, <= 200 ms old
//	   │                             │        │
//	   │ more than 1000:             ▼        ▼
//	   │ a subset of 128     rif = max(own in flight, reported + sent since, if <= 1 s old)
//	   ▼                     lat = peak EWMA of latency at that rif
//	own zone first                   │
//	while it has room                ▼
//	         rif per weight above the median of those reported = hot
//	         both cold: lower latency · otherwise: lower rif per weight · tie: random
//	         not heard of for 200 ms: counts as just hot
//
// Reports come with every reply and with probes, which [Balancer.Probes] asks for
// after a choice: two per request and 100 per second at most, none of nodes heard of
// a moment ago. What is old is not compared: everybody who compares the same
// stale report picks the same victim. For that reason capacity reports, which come
// once a second to everybody, only weigh the sample ([Balancer.Capacity]).
//
// Members of the own zone are preferred while their typical load is not a quarter
// above the others' or 70 % of their capacity is free. [Balancer.Retry] is the
// budget of retries: a tenth of the requests.
//
// Simulations of whole fleets measure the tail against an oracle: package
// internal/sim, and iris sim balance.
//
// Lifecycle: [New], then [Balancer.Update] on each change of the member list,
// [Balancer.Pick] and [Balancer.Done] around each request, [Balancer.Report] for
// answers to probes.
//
// Concurrency: the package is pure and a Balancer is not safe for concurrent
// use; its owner holds a lock for the few hundred nanoseconds a call takes.
// Time and randomness are passed in. No call fails: the absence of an eligible
// member is the false of Pick.
package balance
