package tunnels

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"iris/internal/id"
	"iris/tunnels/flow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a watcher that remembers.
type recorder struct {
	mu         sync.Mutex
	stalls     int
	violations []error
	ends       int
}

func (r *recorder) stalled(*Tunnel) { r.mu.Lock(); r.stalls++; r.mu.Unlock() }
func (r *recorder) violated(_ *Tunnel, err error) {
	r.mu.Lock()
	r.violations = append(r.violations, err)
	r.mu.Unlock()
}
func (r *recorder) ended(*Tunnel) { r.mu.Lock(); r.ends++; r.mu.Unlock() }

func (r *recorder) counts() (stalls, violations, ends int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stalls, len(r.violations), r.ends
}

// end is a tunnel end under test with what watches it.
type end struct {
	*Tunnel
	*recorder
	work *sync.WaitGroup
}

var (
	nodeA = id.ID{Hi: 0xaaaaaaaa00000000, Lo: 1}
	nodeB = id.ID{Hi: 0xbbbbbbbb00000000, Lo: 2}
)

// newEnd makes a started tunnel end over s that was granted credit.
func newEnd(t testing.TB, s Stream, peer id.ID, c Config, credit uint64) end {
	t.Helper()
	e := end{recorder: new(recorder), work: new(sync.WaitGroup)}
	c = c.withDefaults()
	tunnel, err := newTunnel(setup{
		id: peer.Short() + "-1", cluster: "test", peer: peer, stream: s, frames: newFrameReader(s, newReaders()),
		credit: credit, config: &c, memory: newMemory(), spawn: e.work.Go, watch: e.recorder,
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Tunnel = tunnel
	tunnel.start()
	return e
}

// newPair makes the two ends of a tunnel over a stream in memory. They must have
// ended when the test does; stop helps.
func newPair(t testing.TB, c Config) (a, b end) {
	t.Helper()
	x, y := newPipe()
	return newPairOver(t, x, y, c)
}

func newPairOver(t testing.TB, x, y Stream, c Config) (a, b end) {
	t.Helper()
	c = c.withDefaults()
	a = newEnd(t, x, nodeB, c, flow.First(c.Window))
	b = newEnd(t, y, nodeA, c, flow.First(c.Window))
	t.Cleanup(func() {
		stop(a, b)
		for _, e := range [...]end{a, b} {
			if _, _, ends := e.counts(); ends != 1 {
				t.Errorf("tunnel %s ended %d times", e.ID(), ends)
			}
		}
	})
	return a, b
}

var errTestOver = errors.New("test over")

// stop ends tunnels and waits for their goroutines.
func stop(ends ...end) {
	for _, e := range ends {
		e.Abort(errTestOver)
	}
	for _, e := range ends {
		<-e.Done()
		e.work.Wait()
	}
}

func mustSend(t testing.TB, e end, msg string) {
	t.Helper()
	if err := e.Send(context.Background(), []byte(msg)); err != nil {
		t.Fatalf("send: %v", err)
	}
}

func wantRecv(t testing.TB, e end, want string) {
	t.Helper()
	got, err := e.Recv(context.Background())
	if err != nil || string(got) != want {
		t.Fatalf("received %q, %v; want %q", clip(got), err, clip([]byte(want)))
	}
}

func wantEOF(t testing.TB, e end) {
	t.Helper()
	if got, err := e.Recv(context.Background()); err != io.EOF {
		t.Fatalf("received %q, %v; want EOF", clip(got), err)
	}
}

func wantErr(t testing.TB, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("error %v is not %v", err, target)
		}
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 40)] }

// timeout is a context that ends by itself; in a bubble it costs nothing.
func timeout(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
