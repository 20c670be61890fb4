package balance

// retryBurst is how many retries the budget saves up.
const retryBurst = 10

// earn adds a request's share to the budget of retries.
func (b *Balancer) earn() { b.retries = min(b.retries+b.cfg.RetryShare, retryBurst) }

// Retry reports whether a failed request may be sent to another member, and if so
// takes that from the budget: a tenth of the requests, and a burst of 10. When
// everything fails, retries must not double the load (Finagle's retry budget).
func (b *Balancer) Retry() bool {
	if b.retries < 1 {
		return false
	}
	b.retries--
	return true
}
