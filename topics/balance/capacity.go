package balance

import "time"

// leastLatency is what a request must take at least to say something of its node:
// differences between quicker ones are noise.
const leastLatency = time.Millisecond

// PerSecond estimates how many requests per second a node could serve, for
// [Balancer.Capacity]; 0 if that cannot be said: what is in flight there (Little's
// law), and at least one request for each member, per time that a request takes.
func PerSecond(members, inFlight uint32, latency time.Duration) float64 {
	if latency < leastLatency {
		return 0
	}
	return float64(max(members, inFlight)) / latency.Seconds()
}
