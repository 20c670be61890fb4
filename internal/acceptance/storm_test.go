package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"iris/actor"
)

// A storm is requests from one node to many clusters, each checked: the answer
// must come from the cluster that was asked, from a node that serves it, and to
// this request.
type stormArgs struct {
	Name   string
	Serves map[string][]string // cluster -> ids of the nodes that serve it
	Rate   int                 // per second
	Count  int                 // 0 = until ended
	Seed   uint64
}

type stormResult struct {
	Sent       int
	Wrong      []string  // answers that nobody should have given, the first few
	Failures   []failure // in the order of their ends
	LatencyMs  []float64 // of the answered, sorted
	WrongCount int
}

type storm struct {
	cancel context.CancelFunc
	done   chan struct{}
	mu     sync.Mutex // guards result
	result stormResult
}

func (w *worker) startStorm(a stormArgs) (any, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &storm{cancel: cancel, done: make(chan struct{})}
	w.mu.Lock()
	w.storms[a.Name] = s
	w.mu.Unlock()
	go func() {
		defer close(s.done)
		w.runStorm(ctx, a, s)
	}()
	if a.Count > 0 {
		<-s.done
	}
	return nil, nil
}

func (w *worker) endStorm(a stormArgs) (any, error) {
	w.mu.Lock()
	s := w.storms[a.Name]
	w.mu.Unlock()
	s.cancel()
	<-s.done
	slices.Sort(s.result.LatencyMs)
	return s.result, nil
}

func (w *worker) runStorm(ctx context.Context, a stormArgs, s *storm) {
	clusters := make([]string, 0, len(a.Serves))
	for c := range a.Serves {
		clusters = append(clusters, c)
	}
	slices.Sort(clusters)
	rnd := rand.New(rand.NewPCG(a.Seed, 24))
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for ctx.Err() == nil && (a.Count == 0 || s.result.Sent < a.Count) {
		due := int(time.Since(began).Seconds() * float64(a.Rate))
		for s.result.Sent < due && (a.Count == 0 || s.result.Sent < a.Count) {
			s.result.Sent++
			cluster := clusters[rnd.IntN(len(clusters))]
			body := fmt.Sprintf("%s %d", w.node.ID(), s.result.Sent)
			wg.Go(func() { w.checked(s, cluster, body, a.Serves[cluster]) })
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// checked makes one request and looks at who answered it.
func (w *worker) checked(s *storm, cluster, body string, serves []string) {
	ctx, cancel := waiting()
	defer cancel()
	sent := time.Now()
	reply, err := w.node.Request(ctx, cluster, actor.Bytes(body))
	ended := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.result
	if err != nil {
		r.Failures = append(r.Failures, failure{Kind: errorKind(err), Text: err.Error(), About: cluster, Sent: sent.UnixNano(), Ended: ended.UnixNano()})
		return
	}
	r.LatencyMs = append(r.LatencyMs, ms(ended.Sub(sent)))
	if why := misplaced(reply, cluster, body, serves); why != nil {
		r.WrongCount++
		if len(r.Wrong) < 10 {
			r.Wrong = append(r.Wrong, why.Error())
		}
	}
}

// signature is the answer of a handler of kind "sign".
func signature(body, cluster, node string) string {
	return strings.Join([]string{body, cluster, node}, "|")
}

// misplaced says what is wrong about a signed answer, or nil.
func misplaced(reply any, cluster, body string, serves []string) error {
	b, ok := reply.(actor.Bytes)
	if !ok {
		return fmt.Errorf("an answer of type %T", reply)
	}
	part := strings.Split(string(b), "|")
	switch {
	case len(part) != 3:
		return fmt.Errorf("the answer %q", b)
	case part[0] != body:
		return fmt.Errorf("an answer to %q instead of %q", part[0], body)
	case part[1] != cluster:
		return fmt.Errorf("an answer of cluster %s instead of %s", part[1], cluster)
	case !slices.Contains(serves, part[2]):
		return errors.New("an answer of " + part[2] + ", which does not serve " + cluster)
	}
	return nil
}
