package client

// bell wakes all who wait for a change of something that a mutex guards. The
// same mutex guards the bell.
type bell struct{ ch chan struct{} }

// heard returns a channel that the next ring closes.
func (b *bell) heard() <-chan struct{} {
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
