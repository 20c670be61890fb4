package lookup

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	readyMax = 2 * time.Second  // for the first lookups
	timeout  = 20 * time.Second // of one lookup or registration
	farewell = time.Second      // to withdraw registrations
	recheck  = 5 * time.Second  // whether the node has become alone
	told     = 64               // addresses of one lookup that are handed on
	reword   = 10 * time.Minute // a failure that reads differently is not said before
)

// Config of Start.
type Config struct {
	Providers []Provider
	Interval  time.Duration     // between lookups of a node with peers; more than 0
	Found     func(addr string) // gets what was found, host:port
	Alone     func() bool       // whether the node has no peers
	Logger    *slog.Logger      // nil discards
}

// Status is what became of one provider so far.
type Status struct {
	Name     string
	Lookups  uint64    // attempts that have ended
	Failures uint64    // of them failed, in whole or in part, and registrations
	Addrs    int       // found by the last one
	At       time.Time // end of the last one; zero if there was none
	Err      string    // what is wrong now; empty if nothing is
}

// Runner asks providers until it is closed. Its methods may be called by any
// goroutine.
type Runner struct {
	cfg    Config
	log    *slog.Logger
	asking []*asking
	cancel context.CancelFunc
	ready  chan struct{}
	once   sync.Once
	wg     sync.WaitGroup
}

// asking is one provider and its goroutine, which owns what has no lock.
type asking struct {
	r        *Runner
	provider Provider
	rng      *rand.Rand
	find     clock
	enter    clock // of a registrar
	firstRun sync.Once
	answered *atomic.Int32 // providers without a first answer

	errs   [2]string // of registering and looking up
	said   string    // the warning in force
	saidAt time.Time

	mu     sync.Mutex
	status Status // guarded by mu; written by the goroutine only
}

// Start begins to ask. It does not block.
func Start(cfg Config) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{cfg: cfg, log: cfg.Logger, cancel: cancel, ready: make(chan struct{})}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	left := new(atomic.Int32)
	left.Store(int32(len(cfg.Providers)))
	for _, p := range cfg.Providers {
		r.asking = append(r.asking, &asking{
			r: r, provider: p, answered: left, status: Status{Name: p.Name()},
			rng: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		})
	}
	if len(cfg.Providers) == 0 {
		r.settle()
		return r
	}
	for _, a := range r.asking {
		r.wg.Go(func() { a.run(ctx) })
	}
	r.wg.Go(func() {
		defer r.settle()
		select {
		case <-r.ready:
		case <-ctx.Done():
		case <-time.After(readyMax):
		}
	})
	return r
}

func (r *Runner) settle() { r.once.Do(func() { close(r.ready) }) }

// Ready is closed when the first lookups have ended, one way or the other, or two
// seconds have passed.
func (r *Runner) Ready() <-chan struct{} { return r.ready }

// Status returns what became of each provider, in the order of the configuration.
func (r *Runner) Status() []Status {
	out := make([]Status, len(r.asking))
	for i, a := range r.asking {
		a.mu.Lock()
		out[i] = a.status
		a.mu.Unlock()
	}
	return out
}

// Close ends all lookups, withdraws registrations and returns when no goroutine is
// left. It may be called again.
func (r *Runner) Close() {
	r.cancel()
	r.wg.Wait()
}

// run is the goroutine of one provider. Who registers does so before looking, so
// that of two nodes that start together one finds the other.
func (a *asking) run(ctx context.Context) {
	reg, _ := a.provider.(registrar)
	if reg != nil {
		defer a.withdraw(reg)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		if a.r.cfg.Alone() {
			a.find.hurry(now)
		}
		if reg != nil && !now.Before(a.enter.due) {
			a.register(ctx, reg)
		}
		if !now.Before(a.find.due) {
			a.look(ctx)
		}
		next := min(recheck, time.Until(a.find.due))
		if reg != nil {
			next = min(next, time.Until(a.enter.due))
		}
		timer.Reset(next)
	}
}

func (a *asking) register(ctx context.Context, reg registrar) {
	var again pace
	err := a.guard(ctx, func(ctx context.Context) (err error) {
		again, err = reg.register(ctx)
		return err
	})
	if err != nil {
		again = pace{fast: true}
	}
	a.enter.done(time.Now(), again, a.rng)
	a.note(ctx, 0, err, nil)
}

func (a *asking) look(ctx context.Context) {
	var addrs []string
	err := a.guard(ctx, func(ctx context.Context) (err error) {
		addrs, err = a.provider.Lookup(ctx)
		return err
	})
	a.find.done(time.Now(), pace{fast: a.r.cfg.Alone(), slow: a.r.cfg.Interval}, a.rng)
	if ctx.Err() == nil {
		a.rng.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
		for _, addr := range addrs[:min(len(addrs), told)] {
			a.r.cfg.Found(addr)
		}
	}
	a.note(ctx, 1, err, addrs)
	a.firstRun.Do(func() {
		if a.answered.Add(-1) == 0 {
			a.r.settle()
		}
	})
}

// guard bounds a call of the provider in time and turns a panic into an error.
func (a *asking) guard(ctx context.Context, call func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panicked: %v", p)
		}
	}()
	return call(ctx)
}

// note counts an attempt, task 0 to register and 1 to look up, and says once what
// has changed.
func (a *asking) note(ctx context.Context, task int, err error, addrs []string) {
	if ctx.Err() != nil {
		return // cut short by Close
	}
	now := time.Now()
	a.mu.Lock()
	s := &a.status
	if task == 1 {
		s.Lookups++
		s.Addrs, s.At = len(addrs), now
	}
	a.errs[task] = ""
	if err != nil {
		s.Failures++
		a.errs[task] = brief(err.Error())
	}
	if s.Err = a.errs[0]; s.Err == "" {
		s.Err = a.errs[1]
	}
	state := *s
	a.mu.Unlock()
	a.say(now, state)
}

// say logs a change of state.
func (a *asking) say(now time.Time, s Status) {
	switch {
	case s.Err == "" && a.said != "":
		a.r.log.Info("lookup works again", slog.String("provider", s.Name), slog.Int("addrs", s.Addrs))
		a.said = ""
	case s.Err != "" && (a.said == "" || a.said != s.Err && now.Sub(a.saidAt) >= reword):
		a.r.log.Warn("lookup failed", slog.String("provider", s.Name), slog.String("error", s.Err))
		a.said, a.saidAt = s.Err, now
	}
}

// withdraw takes the node out of where it registered.
func (a *asking) withdraw(reg registrar) {
	err := a.guard(context.Background(), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, farewell)
		defer cancel()
		return reg.withdraw(ctx)
	})
	if err != nil {
		a.r.log.Debug("not withdrawn", slog.String("provider", a.provider.Name()), slog.String("error", brief(err.Error())))
	}
}
