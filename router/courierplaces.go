package router

import (
	"sync"

	"iris/internal/id"
)

// placesMax bounds each of the two generations of places.
const placesMax = 4096

// places remembers where nodes were last said to be. They are hints: whoever
// answers there proves who it is. The least recently used half is forgotten when
// there are too many.
type places struct {
	mu       sync.Mutex // guards the following fields
	now, old map[id.ID][]string
}

// note remembers addresses of n, best first. It keeps the slice.
func (p *places) note(n id.ID, addrs []string) {
	if len(addrs) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil || len(p.now) >= placesMax {
		p.now, p.old = make(map[id.ID][]string), p.now
	}
	p.now[n] = addrs
}

// find returns the addresses of n. The slice is shared: read only.
func (p *places) find(n id.ID) []string {
	p.mu.Lock()
	addrs, known := p.now[n]
	if !known {
		addrs = p.old[n]
	}
	p.mu.Unlock()
	if !known {
		p.note(n, addrs)
	}
	return addrs
}
