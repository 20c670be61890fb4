package discovery

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"iris/internal/id"
	"iris/node/discovery/lookup"
)

// Config of Start. ID, Addrs, Keys and Found are needed.
type Config struct {
	ID          id.ID           // of this node
	Incarnation uint64          // of this process; grows with each start of a node
	Addrs       func() []string // ip:port where this node listens; an unspecified IP stands for all. Must not block
	Keys        [][]byte        // beacon keys (identity.Keyring.BeaconKeys), primary first
	Host        bool            // find nodes on this host
	LAN         bool            // find nodes on the networks of this host
	Port        int             // UDP port of beacons, 0 = derived from the keys
	Logger      *slog.Logger    // nil discards

	// Providers are asked for addresses of nodes that no beacon reaches: see package
	// lookup for when, and for Interval and Alone, which they need.
	Providers []lookup.Provider
	Interval  time.Duration
	Alone     func() bool

	// Found gets each address that an accepted beacon names: hints for whoever
	// dials, which come again with each beacon that is new in content or half a
	// second after the last; and what providers find, with a zero id. Called from
	// several goroutines of discovery, perhaps before Start returns; must not block
	// and must not call Close.
	Found func(addr string, peer id.ID)
}

// Discovery is running discovery. Its methods may be called by any goroutine.
type Discovery struct {
	cfg    Config
	keys   keyset
	air    air
	log    *slog.Logger
	counts counters

	heard  chan beacon   // readers -> run; bounded, drop-new, counted
	wake   chan struct{} // capacity 1: joined changed
	joined atomic.Bool
	quiet  chan struct{} // closed when beacons have found what there is
	over   chan struct{} // and providers have answered
	done   chan struct{} // closed by Close
	once   sync.Once
	wg     sync.WaitGroup
	asking *lookup.Runner

	// owned by the run goroutine
	sched   *schedule
	table   *table
	outlets []outlet
	seq     uint64
	pulse   uint64          // seq of the last broadcast on loopback
	echoed  bool            // we heard our own broadcast, so multicast on loopback is not needed
	failing map[string]bool // interfaces that refused the last beacon
	trouble string          // what refresh could not do the last time
}

const (
	heardQueue = 256
	refresh    = 30 * time.Second
	readPause  = time.Second // after a failed read
)

// Start begins to look for other nodes and to be found. It fails only for a
// wrong configuration.
func Start(cfg Config) (*Discovery, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	var a air
	if cfg.Host || cfg.LAN {
		a = &sockets{host: cfg.Host, lan: cfg.LAN, channels: newKeyset(cfg.Keys).channels(cfg.Port)}
	}
	return start(cfg, a, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))), nil
}

func (cfg *Config) validate() error {
	var errs []error
	if cfg.ID.IsZero() {
		errs = append(errs, errors.New("no node id"))
	}
	if cfg.Addrs == nil {
		errs = append(errs, errors.New("no source of addresses"))
	}
	if cfg.Found == nil {
		errs = append(errs, errors.New("nobody to tell what was found"))
	}
	if len(cfg.Keys) == 0 {
		errs = append(errs, errors.New("no beacon key"))
	}
	for i, k := range cfg.Keys {
		if len(k) < 16 {
			errs = append(errs, fmt.Errorf("beacon key %d has %d bytes, want at least 16", i, len(k)))
		}
	}
	if cfg.Port < 0 || cfg.Port > 65535 {
		errs = append(errs, fmt.Errorf("port %d, want 0 to 65535", cfg.Port))
	}
	if len(cfg.Providers) > 0 && (cfg.Alone == nil || cfg.Interval <= 0) {
		errs = append(errs, errors.New("providers without an interval, or nobody to say whether the node is alone"))
	}
	return errors.Join(errs...)
}

// start runs discovery over a, nil for none.
func start(cfg Config, a air, rng *rand.Rand) *Discovery {
	d := &Discovery{
		cfg: cfg, keys: newKeyset(cfg.Keys), air: a, log: cfg.Logger,
		heard: make(chan beacon, heardQueue), wake: make(chan struct{}, 1),
		quiet: make(chan struct{}), over: make(chan struct{}), done: make(chan struct{}),
		table: newTable(), failing: map[string]bool{},
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.asking = lookup.Start(lookup.Config{
		Providers: cfg.Providers, Interval: cfg.Interval, Alone: cfg.Alone, Logger: d.log,
		Found: func(addr string) { cfg.Found(addr, id.ID{}) },
	})
	d.wg.Go(d.watch)
	if a == nil {
		close(d.quiet)
		return d
	}
	d.sched = newSchedule(time.Now(), rng)
	if !d.refresh() { // here, so that who starts second is heard by who started first
		d.sched.deaf(time.Now())
	}
	d.wg.Go(d.run)
	return d
}

// watch waits until all that looks for nodes has come to a first end.
func (d *Discovery) watch() {
	for _, end := range []<-chan struct{}{d.quiet, d.asking.Ready()} {
		select {
		case <-end:
		case <-d.done:
			return
		}
	}
	close(d.over)
}

// Quiet is closed when the first queries have found what there is to find:
// nothing new was heard for 150 ms, or a second has passed; and every provider has
// answered or failed, or two seconds have passed. Discovery goes on.
func (d *Discovery) Quiet() <-chan struct{} { return d.over }

// Joined tells whether this node has a place in the network. Joined nodes send
// few beacons; going from true to false starts a new burst of queries.
func (d *Discovery) Joined(yes bool) {
	if d.joined.Swap(yes) != yes {
		select {
		case d.wake <- struct{}{}:
		default: // the run goroutine will see the newest value
		}
	}
}

// Close ends discovery and returns when its goroutines are gone. To take the node
// out of where providers have entered it may take a second. It may be called
// again. It returns nil.
func (d *Discovery) Close() error {
	d.once.Do(func() {
		close(d.done)
		if d.air != nil {
			d.air.close()
		}
		d.asking.Close()
	})
	d.wg.Wait()
	return nil
}
