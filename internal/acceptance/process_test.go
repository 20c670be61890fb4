package acceptance

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"iris/internal/canary"
)

var rows = flag.Bool("rows", false, "run every row in full and hold it to its figure")

// patience bounds whatever a row waits for. How long it took, holds says.
const patience = 2 * time.Minute

// full skips a row that only makes sense in full.
func full(t *testing.T) {
	t.Helper()
	if !*rows {
		t.Skip("runs with -args -rows")
	}
}

// holds reports a figure and, in a full run, whether it is within its bound.
func holds(t *testing.T, what string, got, most float64, unit string) {
	t.Helper()
	t.Logf("%-60s %10.1f %s (bound %.1f)", what, got, unit, most)
	if *rows && got > most {
		t.Errorf("%s: %.1f %s, bound %.1f", what, got, unit, most)
	}
}

// process is a worker seen from the test.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	ID   string
	Addr string
	Took float64

	mu      sync.Mutex // guards the following fields
	next    int
	pending map[int]chan answer
	dead    error
}

var secret = string(canary.Key())

var run = rand.Text()

// ofThisRun makes a name of a network that no other run of these tests on the same
// machine uses: nodes of one name find each other.
func ofThisRun(network string) string { return "acceptance-" + network + "-" + run }

// spawn starts a worker process. prefix, if any, is put before the command,
// such as "ip netns exec x". It is killed at the end of the test.
func spawn(t *testing.T, name string, prefix ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append(append([]string{}, prefix...), self, fmt.Sprintf("-rows=%v", *rows))
	p := &process{t: t, name: name, pending: map[int]chan answer{}, cmd: exec.Command(args[0], args[1:]...)}
	p.cmd.Env = append(os.Environ(), workerEnv+"=1")
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(out)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
		_ = p.cmd.Process.Kill() // it may have ended
		<-read
		_ = p.cmd.Wait() // killed
	})
	return p
}

func (p *process) read(out io.Reader) {
	in := bufio.NewScanner(out)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var a answer
		if err := json.Unmarshal(in.Bytes(), &a); err != nil {
			continue // not ours, such as a panic's text
		}
		p.mu.Lock()
		ch := p.pending[a.ID]
		delete(p.pending, a.ID)
		p.mu.Unlock()
		if ch != nil {
			ch <- a
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = errors.New("process ended")
	for id, ch := range p.pending {
		delete(p.pending, id)
		ch <- answer{Error: p.dead.Error()}
	}
}

// ask calls an operation and returns its result.
func ask[R any](p *process, op string, args any) (R, error) {
	var result R
	raw, err := json.Marshal(args)
	if err != nil {
		return result, err
	}
	ch := make(chan answer, 1)
	p.mu.Lock()
	if p.dead != nil {
		p.mu.Unlock()
		return result, p.dead
	}
	p.next++
	line, err := json.Marshal(call{ID: p.next, Op: op, Args: raw})
	p.pending[p.next] = ch
	p.mu.Unlock()
	if err != nil {
		return result, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return result, err
	}
	a := <-ch
	if a.Error != "" {
		return result, fmt.Errorf("%s: %s: %s", p.name, op, a.Error)
	}
	if len(a.Result) == 0 {
		return result, nil
	}
	return result, json.Unmarshal(a.Result, &result)
}

// must is ask that ends the test on failure.
func must[R any](p *process, op string, args any) R {
	p.t.Helper()
	r, err := ask[R](p, op, args)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// do is must for operations without a result.
func (p *process) do(op string, args any) { p.t.Helper(); must[json.RawMessage](p, op, args) }

func (p *process) start(a startArgs) {
	p.t.Helper()
	if a.Network == "" {
		a.Network = p.t.Name()
	}
	a.Network = ofThisRun(a.Network)
	if a.Secret == "" {
		a.Secret = secret
	}
	r := must[startResult](p, "start", a)
	p.ID, p.Addr, p.Took = r.ID, r.Addr, r.TookMs
}

// network starts n worker processes together and waits until all see all.
func network(t *testing.T, n int) []*process {
	t.Helper()
	ps := make([]*process, n)
	for i := range ps {
		ps[i] = spawn(t, fmt.Sprintf("node %d", i+1))
	}
	var wg sync.WaitGroup
	for _, p := range ps {
		wg.Go(func() { p.start(startArgs{}) })
	}
	wg.Wait()
	for _, p := range ps {
		p.await(n - 1)
	}
	return ps
}

// await waits until p has n healthy peers and returns when that was.
func (p *process) await(n int) time.Time {
	p.t.Helper()
	at := must[int64](p, "await", map[string]int{"N": n})
	return time.Unix(0, at)
}

// first returns when p first saw an event of a kind about somebody, after a
// time.
func (p *process) first(kind, about string, after time.Time) (seen, bool) {
	p.t.Helper()
	for _, e := range must[[]seen](p, "events", nil) {
		if e.Kind == kind && (about == "" || e.About == about) && e.At >= after.UnixNano() {
			return e, true
		}
	}
	return seen{}, false
}

// eventually polls cond, which looks at other processes, until it holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	if !polled(20*time.Millisecond, cond) {
		t.Fatalf("waited %v in vain for: %s", patience, what)
	}
}

// polled says whether cond came to hold while there was patience.
func polled(every time.Duration, cond func() bool) bool {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	poll := time.NewTicker(every)
	defer poll.Stop()
	for !cond() {
		select {
		case <-poll.C:
		case <-limit.C:
			return false
		}
	}
	return true
}

// lasting lets a load run for a while; the load is the thing measured.
func lasting(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}
