package acceptance

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/node"
	"iris/tunnels"
)

type clusterArgs struct {
	Cluster, Kind string
	Members       int
}

// register serves a cluster: "echo" answers, "sign" says who answers, "panic"
// panics, "archive" reads tunnels.
func (w *worker) register(a clusterArgs) (any, error) {
	r, err := w.node.Register(a.Cluster, actor.Func(w.handler(a)), node.Members(max(a.Members, 1)))
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leave[a.Cluster] = r.Leave
	return nil, nil
}

func (w *worker) leaveCluster(a clusterArgs) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.mu.Lock()
	leave := w.leave[a.Cluster]
	w.mu.Unlock()
	return nil, leave(ctx)
}

func (w *worker) handler(a clusterArgs) func(actor.Context) {
	return func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case actor.Bytes:
			if a.Kind == "panic" && string(m) == "panic" {
				panic("asked to panic")
			}
			if a.Kind == "sign" {
				m = actor.Bytes(signature(string(m), a.Cluster, w.node.ID()))
			}
			ctx.Respond(m)
		case *tunnels.Incoming:
			go w.archive(m.Tunnel)
		}
	}
}

type requestArgs struct {
	Cluster, Body string
}

type requestResult struct {
	Error  string // kind, "" = answered
	Text   string
	TookMs float64
}

// waits is how long a request waits for its answer: in a full run as long as one of which
// nothing else is said, in a short one as long as the machine needs.
func waits() time.Duration {
	if !*rows {
		return patience
	}
	return actor.DefaultTimeout
}

// waiting is the context of a request.
func waiting() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), waits())
}

func (w *worker) request(a requestArgs) (any, error) {
	ctx, cancel := waiting()
	defer cancel()
	began := time.Now()
	reply, err := w.node.Request(ctx, a.Cluster, actor.Bytes(a.Body))
	r := requestResult{TookMs: ms(time.Since(began))}
	if err != nil {
		r.Error, r.Text = errorKind(err), err.Error()
	} else if b, ok := reply.(actor.Bytes); !ok || string(b) != a.Body {
		r.Error = fmt.Sprintf("wrong reply %v", reply)
	}
	return r, nil
}

// loadArgs describes requests at a steady rate, each in a goroutine of its own.
type loadArgs struct {
	Name, Cluster string
	Rate          int // per second
	Count         int // 0 = until ended
	Idempotent    bool
}

type failure struct {
	Kind, Text  string
	About       string `json:",omitempty"` // cluster, where there are several
	Sent, Ended int64  // Unix nanoseconds
}

type loadResult struct {
	Sent, OK          int
	Failures          []failure
	P50Ms, P99Ms, Max float64
	AfterMs           []float64 // latency of each request, in the order of their ends
	RatePerS          float64
}

type load struct {
	cancel context.CancelFunc
	done   chan struct{}
	result loadResult
}

func (w *worker) startLoad(a loadArgs) (any, error) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel, done: make(chan struct{})}
	w.mu.Lock()
	w.loads[a.Name] = l
	w.mu.Unlock()
	go func() {
		defer close(l.done)
		w.runLoad(ctx, a, &l.result)
	}()
	if a.Count > 0 {
		<-l.done
	}
	return nil, nil
}

func (w *worker) runLoad(ctx context.Context, a loadArgs, r *loadResult) {
	var opts []node.RequestOption
	if a.Idempotent {
		opts = append(opts, node.Idempotent())
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for ctx.Err() == nil && (a.Count == 0 || r.Sent < a.Count) {
		due := int(time.Since(began).Seconds() * float64(a.Rate))
		for r.Sent < due && (a.Count == 0 || r.Sent < a.Count) {
			r.Sent++
			wg.Go(func() {
				ctx, cancel := waiting()
				defer cancel()
				sent := time.Now()
				_, err := w.node.Request(ctx, a.Cluster, actor.Bytes("load"), opts...)
				took := time.Since(sent)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					r.Failures = append(r.Failures, failure{Kind: errorKind(err), Text: err.Error(), Sent: sent.UnixNano(), Ended: time.Now().UnixNano()})
					return
				}
				r.OK++
				r.AfterMs = append(r.AfterMs, ms(took))
			})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	r.RatePerS = float64(r.Sent) / time.Since(began).Seconds()
	wg.Wait()
	slices.Sort(r.AfterMs)
	if n := len(r.AfterMs); n > 0 {
		r.P50Ms, r.P99Ms, r.Max = r.AfterMs[n/2], r.AfterMs[n*99/100], r.AfterMs[n-1]
	}
	r.AfterMs = nil
}

func (w *worker) endLoad(a loadArgs) (any, error) {
	w.mu.Lock()
	l := w.loads[a.Name]
	w.mu.Unlock()
	l.cancel()
	<-l.done
	return l.result, nil
}

type topicArgs struct {
	Topic, Kind string
	Count, Size int
}

// subscribe listens: "count" counts, "stuck" never returns from its handler.
func (w *worker) subscribe(a topicArgs) (any, error) {
	n := new(uint64)
	_, err := w.node.Subscribe(a.Topic, actor.Func(func(ctx actor.Context) {
		if _, ok := ctx.Message().(actor.Bytes); ok {
			atomic.AddUint64(n, 1)
			if a.Kind == "stuck" {
				select {}
			}
		}
	}))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.received[a.Topic] = n
	return nil, err
}

func (w *worker) receivedCount(a topicArgs) (any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return atomic.LoadUint64(w.received[a.Topic]), nil
}

type publishResult struct {
	Published int
	TookMs    float64
}

func (w *worker) publish(a topicArgs) (any, error) {
	ctx := context.Background()
	body := make(actor.Bytes, a.Size)
	began := time.Now()
	for i := range a.Count {
		if err := w.node.Publish(ctx, a.Topic, body); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	return publishResult{a.Count, ms(time.Since(began))}, nil
}

type tunnelArgs struct {
	Cluster string
	Bytes   int64
}

// tunnelReport is one end's account of a tunnel.
type tunnelReport struct {
	Bytes, PauseMs int64
	SHA256, Error  string
	StallMs        float64 // longest single write of the sender
	TookMs         float64
}

// pause is how long the archive's reader stops in the middle.
const pause = 5 * time.Second

// archive reads a tunnel, pausing after a quarter of a gigabyte, and answers
// with the checksum.
func (w *worker) archive(t *tunnels.Tunnel) {
	h := sha256.New()
	stream := t.Stream()
	n, err := io.CopyN(h, stream, 256<<20)
	if err == nil {
		timer := time.NewTimer(pause)
		<-timer.C
		var m int64
		m, err = io.Copy(h, stream)
		n += m
	}
	if err == io.EOF {
		err = nil
	}
	r := tunnelReport{Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}
	if err != nil {
		r.Error = err.Error()
	}
	w.tunnel <- r
	_ = t.Send(context.Background(), []byte(r.SHA256))
	_ = t.Close()
}

func (w *worker) sendTunnel(a tunnelArgs) (any, error) {
	ctx := context.Background()
	t, err := w.node.Tunnel(ctx, a.Cluster)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	h := sha256.New()
	chunk := make([]byte, 256<<10)
	rand.Read(chunk) // never fails
	var r tunnelReport
	stream := t.Stream()
	for r.Bytes < a.Bytes {
		n := min(int64(len(chunk)), a.Bytes-r.Bytes)
		chunk[0]++
		at := time.Now()
		if _, err := stream.Write(chunk[:n]); err != nil {
			return nil, fmt.Errorf("after %d bytes: %w", r.Bytes, err)
		}
		r.StallMs = max(r.StallMs, ms(time.Since(at)))
		h.Write(chunk[:n])
		r.Bytes += n
	}
	if err := t.CloseSend(); err != nil {
		return nil, err
	}
	r.SHA256 = hex.EncodeToString(h.Sum(nil))
	receipt, err := t.Recv(ctx)
	if err != nil {
		return nil, err
	}
	if string(receipt) != r.SHA256 {
		return nil, fmt.Errorf("checksums differ")
	}
	r.TookMs = ms(time.Since(began))
	return r, t.Close()
}

func (w *worker) tunnelTook(struct{}) (any, error) { return <-w.tunnel, nil }
