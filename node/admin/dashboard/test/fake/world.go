package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// size is how much of everything there is.
type size struct {
	Nodes, Clusters, Topics, Actors int
	Hostile                         bool
	Endless                         bool // actors: what is below an actor never ends, nor do pages
}

// world is a network that does not exist.
type world struct {
	size
	began    time.Time
	ids      []string // in the order of the ring
	names    map[string]string
	clusters []string
	topics   []string

	mu   sync.Mutex
	down map[string]string // id -> state. Guarded by mu
}

// nasty are names that break pages which trust them.
var nasty = []string{
	`<img src=x onerror="document.title='owned'">`,
	`<script>document.title="owned"</script>`,
	"\u202eexe.gpj\u202c\u2066 right to left",
	strings.Repeat("a-very-long-name-", 15),
	"javascript:alert(1)", `"><svg onload=alert(1)>`, "__proto__", "constructor", "tab\tnew\nline\x00nul", "名前 🜁 ñandú", "${7*7}{{7*7}}",
}

func newWorld(s size) *world {
	r := rand.New(rand.NewPCG(1, 2))
	w := &world{size: s, began: time.Now(), names: map[string]string{}, down: map[string]string{}}
	for range s.Nodes {
		w.ids = append(w.ids, fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()))
	}
	slices.Sort(w.ids)
	for i, id := range w.ids {
		w.names[id] = fmt.Sprintf("%s-%02d", []string{"ams", "fra", "lon"}[i%3], i/3+1)
	}
	w.clusters = w.list(s.Clusters, []string{"orders", "billing", "search", "images", "mail", "sessions", "pricing", "stock"})
	w.topics = w.list(s.Topics, []string{"prices", "orders.new", "audit", "presence", "telemetry", "cache.drop"})
	if s.Hostile {
		w.names[w.ids[0]] = nasty[0]
		w.names[w.ids[1%len(w.ids)]] = nasty[2]
		w.names[w.ids[2%len(w.ids)]] = nasty[3]
	}
	return w
}

// list returns n sorted names.
func (w *world) list(n int, words []string) []string {
	var names []string
	for i := range n {
		switch {
		case w.Hostile && i < len(nasty):
			names = append(names, nasty[i])
		case i < len(words):
			names = append(names, words[i])
		default:
			names = append(names, fmt.Sprintf("%s.%05d", words[i%len(words)], i))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (w *world) index(id string) int { return slices.Index(w.ids, id) }

// state returns what a node is said to be.
func (w *world) state(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.down[id]; s != "" {
		return s
	}
	return "ready"
}

func (w *world) setState(id, state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[id] = state
}

// linked returns the peers of a node: everybody in a small network, else those
// near on the ring and some far away.
func (w *world) linked(i int) []int {
	n := len(w.ids)
	var peers []int
	if n <= 32 {
		for j := range n {
			if j != i {
				peers = append(peers, j)
			}
		}
		return peers
	}
	for d := 1; d <= 8; d++ {
		peers = append(peers, (i+d)%n, (i-d+n)%n)
	}
	for d := 16; d < n/2; d = d*3/2 + 1 {
		peers = append(peers, (i+d)%n, (i-d+n)%n)
	}
	return peers
}

// rtt returns the microseconds between two nodes: nodes of one zone are near.
func (w *world) rtt(i, j int) int64 {
	a, b := min(i, j), max(i, j)
	r := rand.New(rand.NewPCG(uint64(a), uint64(b)))
	base := 250.0
	switch far := (a%3 + b%3); {
	case r.IntN(90) == 0:
		base = 210_000
	case r.IntN(12) == 0:
		base = 62_000
	case a%3 == b%3:
	case far == 1: // ams, fra
		base = 6_500
	default:
		base = 13_000
	}
	return int64(base * (0.8 + 0.4*r.Float64()) * (0.95 + 0.1*wave(a+b, time.Since(w.began))))
}
