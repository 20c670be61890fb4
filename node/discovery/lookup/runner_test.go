package lookup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// script is a provider that does what the test says.
type script struct {
	name string
	mu   sync.Mutex
	at   []time.Time // of lookups; guarded by mu
	do   func(ctx context.Context, n int) ([]string, error)
}

func (s *script) Name() string { return s.name }

func (s *script) Lookup(ctx context.Context) ([]string, error) {
	s.mu.Lock()
	n := len(s.at)
	s.at = append(s.at, time.Now())
	s.mu.Unlock()
	return s.do(ctx, n)
}

func (s *script) gaps() (out []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 1; i < len(s.at); i++ {
		out = append(out, s.at[i].Sub(s.at[i-1]))
	}
	return out
}

func answer(addrs ...string) func(context.Context, int) ([]string, error) {
	return func(context.Context, int) ([]string, error) { return slices.Clone(addrs), nil }
}

// finds collects what a runner found.
type finds struct {
	mu    sync.Mutex
	addrs []string // guarded by mu
	alone atomic.Bool
}

func (f *finds) found(addr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addrs = append(f.addrs, addr)
}

func (f *finds) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.addrs)
}

func run(f *finds, providers ...Provider) *Runner {
	return Start(Config{Providers: providers, Interval: time.Minute, Found: f.found, Alone: f.alone.Load})
}

// pass lets d pass in the time of the bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func near(got, want time.Duration) bool { return got >= want*4/5 && got <= want*6/5 }

// TestPace holds that a node alone asks often, one with peers rarely, and one that
// has lost its peers often again.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := &finds{}, &script{name: "p", do: answer("10.0.0.1:1")}
		f.alone.Store(true)
		r := run(f, p)
		defer r.Close()
		<-r.Ready()
		pass(2 * time.Minute)
		gaps := p.gaps()
		for i, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
			if !near(gaps[i], want*time.Second) {
				t.Errorf("gap %d is %v", i, gaps[i])
			}
		}
		f.alone.Store(false)
		before := len(p.gaps())
		pass(20 * time.Minute)
		if n := len(p.gaps()) - before; n < 15 || n > 25 {
			t.Errorf("%d lookups in 20 minutes with peers", n)
		}
		pass(20 * time.Second) // into the middle of an interval, most often
		f.alone.Store(true)
		before = len(p.gaps())
		pass(12*time.Second + recheck)
		if n := len(p.gaps()) - before; n < 2 {
			t.Errorf("%d lookups after all peers were lost", n)
		}
	})
}

func TestReadyIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(context.Context, int) ([]string, error)
		want time.Duration
	}{
		"answers": {answer("10.0.0.1:1"), 0},
		"fails":   {func(context.Context, int) ([]string, error) { return nil, errors.New("no") }, 0},
		"panics":  {func(context.Context, int) ([]string, error) { panic("no") }, 0},
		"is slow": {func(context.Context, int) ([]string, error) { <-time.After(time.Second); return nil, nil }, time.Second},
		"hangs":   {func(ctx context.Context, _ int) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }, readyMax},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				r := run(&finds{}, &script{name: "quick", do: answer()}, &script{name: name, do: c.do})
				<-r.Ready()
				if got := time.Since(begun); got != c.want {
					t.Errorf("ready after %v, want %v", got, c.want)
				}
				r.Close()
				r.Close()
			})
		})
	}
	r := run(&finds{})
	<-r.Ready()
	r.Close()
}

// TestFewAreHandedOn holds that a long answer does not make a node scan, and that
// each of many addresses gets its turn.
func TestFewAreHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var many []string
		for i := range 200 {
			many = append(many, fmt.Sprintf("10.0.0.%d:1", i))
		}
		f, p := &finds{}, &script{name: "p", do: answer(many...)}
		r := run(f, p)
		defer r.Close()
		<-r.Ready()
		synctest.Wait()
		if n := len(f.all()); n != told {
			t.Errorf("%d handed on, want %d", n, told)
		}
		if s := r.Status()[0]; s.Addrs != 200 || s.Lookups != 1 || s.Failures != 0 || s.Name != "p" {
			t.Errorf("%+v", s)
		}
		pass(time.Hour)
		all := f.all()
		slices.Sort(all)
		if n := len(slices.Compact(all)); n != 200 {
			t.Errorf("%d of 200 had their turn in an hour", n)
		}
	})
}

// TestTroubleIsSaidOnce holds the log to one line per change, whatever the number
// of failures, and a failing provider to not hindering another.
func TestTroubleIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, said := capture()
		f := &finds{}
		f.alone.Store(true)
		bad := &script{name: "bad", do: func(_ context.Context, n int) ([]string, error) {
			switch {
			case n < 5:
				return []string{"10.0.0.9:9"}, errors.New("line\n7 \x1b[31mred")
			case n < 10:
				panic("at the disco")
			}
			return []string{"10.0.0.9:9"}, nil
		}}
		r := Start(Config{
			Providers: []Provider{bad, &script{name: "good", do: answer("10.0.0.1:1")}}, Interval: time.Minute,
			Found: f.found, Alone: f.alone.Load, Logger: log,
		})
		defer r.Close()
		pass(10 * time.Second)
		if s := r.Status(); s[0].Err != `line 7 \x1b[31mred` || s[0].Failures == 0 || s[1].Err != "" {
			t.Errorf("%+v", s)
		}
		if !slices.Contains(f.all(), "10.0.0.9:9") || !slices.Contains(f.all(), "10.0.0.1:1") {
			t.Errorf("found %v", f.all())
		}
		pass(5 * time.Minute)
		if s := r.Status()[0]; s.Err != "" || s.Failures != 10 {
			t.Errorf("%+v", s)
		}
		if n, text := strings.Count(said(), "\n"), said(); n != 2 || !strings.Contains(text, `msg="lookup failed" provider=bad error="line 7 \\x1b[31mred"`) ||
			!strings.Contains(text, `msg="lookup works again" provider=bad addrs=1`) {
			t.Errorf("logged\n%s", text)
		}
	})
}

// enlisted is a provider that this node registers with.
type enlisted struct {
	script
	registered, withdrawn atomic.Int32
	fail                  atomic.Bool
}

func (e *enlisted) register(context.Context) (pace, error) {
	e.registered.Add(1)
	if e.fail.Load() {
		return pace{}, errors.New("down")
	}
	return pace{slow: 10 * time.Second}, nil
}

func (e *enlisted) withdraw(ctx context.Context) error {
	e.withdrawn.Add(1)
	<-ctx.Done() // nobody there
	return ctx.Err()
}

func TestRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &enlisted{}
		e.name, e.do = "e", func(context.Context, int) ([]string, error) {
			if e.registered.Load() == 0 {
				t.Error("looked before it registered")
			}
			return nil, nil
		}
		r := run(&finds{}, e)
		pass(time.Minute)
		if n := e.registered.Load(); n < 5 || n > 8 {
			t.Errorf("registered %d times in a minute, want about 6", n)
		}
		e.fail.Store(true)
		pass(time.Minute)
		if s := r.Status()[0]; s.Err != "down" || s.Failures == 0 {
			t.Errorf("%+v", s)
		}
		e.fail.Store(false)
		pass(time.Minute)
		if s := r.Status()[0]; s.Err != "" {
			t.Errorf("%+v", s)
		}
		begun := time.Now()
		r.Close()
		if took := time.Since(begun); took != farewell || e.withdrawn.Load() != 1 {
			t.Errorf("closed after %v, withdrawn %d times", took, e.withdrawn.Load())
		}
	})
}

func TestCloseCutsALookupShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, said := capture()
		f := &finds{}
		p := &script{name: "p", do: func(ctx context.Context, _ int) ([]string, error) {
			<-ctx.Done()
			return []string{"10.0.0.1:1"}, ctx.Err()
		}}
		r := Start(Config{Providers: []Provider{p}, Interval: time.Minute, Found: f.found, Alone: f.alone.Load, Logger: log})
		synctest.Wait()
		r.Close()
		if len(f.all()) > 0 || said() != "" {
			t.Errorf("found %v, logged %s", f.all(), said())
		}
		<-r.Ready()
	})
}

func TestCheckAddr(t *testing.T) {
	for addr, want := range map[string]bool{
		"10.0.0.1:1": true, "[fd00::1]:7000": true, "iris-1.example.net:65535": true, "under_score:1": true,
		"": false, "10.0.0.1": false, "10.0.0.1:0": false, "10.0.0.1:70000": false, "10.0.0.1:http": false, ":7000": false,
		"0.0.0.0:1": false, "[::]:1": false, "239.1.1.1:1": false, "a b:1": false, "a\x1b:1": false, strings.Repeat("a", 255) + ":1": false,
	} {
		if err := checkAddr(addr); (err == nil) != want {
			t.Errorf("%q: %v", addr, err)
		} else if err != nil && (len(err.Error()) > 300 || strings.ContainsRune(err.Error(), '\x1b')) {
			t.Errorf("%q: %s", addr, err)
		}
	}
}
