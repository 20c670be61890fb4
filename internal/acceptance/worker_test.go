package acceptance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

// workerEnv makes the test binary a worker instead of a test.
const workerEnv = "ACCEPTANCE_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) == "" {
		os.Exit(m.Run())
	}
	flag.Parse() // those of the test that has started it
	if err := newWorker().serve(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// call is one line to a worker; answer the line back with the same ID.
type (
	call struct {
		ID   int
		Op   string
		Args json.RawMessage
	}
	answer struct {
		ID     int
		Result json.RawMessage `json:",omitempty"`
		Error  string          `json:",omitempty"`
	}
)

// worker is one process of a row: a node and what the row does with it.
type worker struct {
	ops map[string]func(json.RawMessage) (any, error)
	out sync.Mutex // one line at a time

	mu       sync.Mutex // guards the following fields
	node     *node.Node
	events   []seen
	loads    map[string]*load
	storms   map[string]*storm
	leave    map[string]func(context.Context) error
	received map[string]*uint64
	tunnel   chan tunnelReport
}

// seen is an event of the node, as far as rows ask for it.
type seen struct {
	Kind  string
	About string // peer, cluster, handler
	More  string
	Count uint64
	At    int64 // Unix nanoseconds
}

func newWorker() *worker {
	w := &worker{
		loads: map[string]*load{}, storms: map[string]*storm{}, leave: map[string]func(context.Context) error{},
		received: map[string]*uint64{}, tunnel: make(chan tunnelReport, 16),
	}
	w.ops = map[string]func(json.RawMessage) (any, error){
		"start": op(w.start), "stop": op(w.stop), "peers": op(w.peers), "await": op(w.await),
		"events": op(w.eventsSeen), "memory": op(w.memory),
		"register": op(w.register), "leave": op(w.leaveCluster), "request": op(w.request),
		"load": op(w.startLoad), "loaded": op(w.endLoad), "storm": op(w.startStorm), "calmed": op(w.endStorm),
		"subscribe": op(w.subscribe), "publish": op(w.publish), "received": op(w.receivedCount),
		"send": op(w.sendTunnel), "took": op(w.tunnelTook), "idle": op(w.idle),
	}
	return w
}

// op adapts a typed operation to the wire.
func op[A any](f func(A) (any, error)) func(json.RawMessage) (any, error) {
	return func(raw json.RawMessage) (any, error) {
		var a A
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &a); err != nil {
				return nil, err
			}
		}
		return f(a)
	}
}

// serve answers calls until standard input ends.
func (w *worker) serve() error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c call
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return err
		}
		f := w.ops[c.Op]
		if f == nil {
			return fmt.Errorf("no operation %q", c.Op)
		}
		go func() {
			a := answer{ID: c.ID}
			result, err := f(c.Args)
			if err == nil {
				a.Result, err = json.Marshal(result)
			}
			if err != nil {
				a.Error = err.Error()
			}
			line, _ := json.Marshal(a) // plain structs
			w.out.Lock()
			defer w.out.Unlock()
			os.Stdout.Write(append(line, '\n'))
		}()
	}
	return in.Err()
}

type startArgs struct {
	Network, Secret, Listen string
	Seeds                   []string
	LAN, NoHost             bool
	Log                     string
	MemLimit                int64
	MeshMax, LeafSet        int
}

type startResult struct {
	ID, Addr string
	TookMs   float64
}

func (w *worker) start(a startArgs) (any, error) {
	if a.MemLimit > 0 {
		debug.SetMemoryLimit(a.MemLimit)
	}
	cfg := config.Default()
	cfg.Network.Name, cfg.Network.Secret = a.Network, []byte(a.Secret)
	cfg.Listen, cfg.Seeds = a.Listen, a.Seeds
	cfg.Discovery.Host, cfg.Discovery.LAN = !a.NoHost, a.LAN
	cfg.Overlay = config.Overlay{MeshMax: a.MeshMax, LeafSet: a.LeafSet}
	cfg.Log.Level = slog.LevelError
	if a.Log != "" {
		if err := cfg.Log.Level.UnmarshalText([]byte(a.Log)); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := time.Now()
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	w.mu.Lock()
	w.node = n
	w.mu.Unlock()
	n.Events().Subscribe(w.see)
	for _, p := range n.Peers() { // those that came up before we listened
		w.note(seen{Kind: "PeerUp", About: p.ID, At: time.Now().UnixNano()})
	}
	return startResult{ID: n.ID(), Addr: n.Addr().String(), TookMs: ms(took)}, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (w *worker) see(ev any) {
	switch e := ev.(type) {
	case *actor.PeerUp:
		w.note(seen{Kind: "PeerUp", About: e.Peer, At: e.Time.UnixNano()})
	case *actor.PeerSuspected:
		w.note(seen{Kind: "PeerSuspected", About: e.Peer, More: e.Reason, At: e.Time.UnixNano()})
	case *actor.PeerRecovered:
		w.note(seen{Kind: "PeerRecovered", About: e.Peer, At: e.Time.UnixNano()})
	case *actor.PeerDown:
		w.note(seen{Kind: "PeerDown", About: e.Peer, More: e.Reason, At: e.Time.UnixNano()})
	case *actor.LinkRefused:
		w.note(seen{Kind: "LinkRefused", About: e.Addr, More: e.Reason, At: e.Time.UnixNano()})
	case *actor.HandlerFailed:
		w.note(seen{Kind: "HandlerFailed", About: e.PID.Id, More: e.Stack, At: e.Time.UnixNano()})
	case *actor.HandlerStarted:
		w.note(seen{Kind: "HandlerStarted", About: e.PID.Id, At: e.Time.UnixNano()})
	case *actor.DeadLetter:
		w.note(seen{Kind: "DeadLetter", About: e.Reason.String(), More: e.Target, Count: e.Count, At: e.Time.UnixNano()})
	case *actor.ProtocolViolation:
		w.note(seen{Kind: "ProtocolViolation", About: e.Peer, More: e.Reason, At: e.Time.UnixNano()})
	}
}

// maxSeen bounds the events kept; dead letters of one kind are added up.
const maxSeen = 10_000

func (w *worker) note(s seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Kind == "DeadLetter" {
		for i := range w.events {
			if e := &w.events[i]; e.Kind == s.Kind && e.About == s.About && e.More == s.More {
				e.Count += s.Count
				return
			}
		}
	}
	if len(w.events) < maxSeen {
		w.events = append(w.events, s)
	}
}

func (w *worker) eventsSeen(struct{}) (any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]seen{}, w.events...), nil
}

func (w *worker) stop(struct{}) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return nil, w.node.Stop(ctx)
}

func (w *worker) peers(struct{}) (any, error) { return w.node.Peers(), nil }

// await waits until the node has exactly N peers that are not suspect, and
// returns the time at which it saw that.
func (w *worker) await(a struct{ N int }) (any, error) {
	healthy := 0
	if !polled(5*time.Millisecond, func() bool {
		healthy = 0
		for _, p := range w.node.Peers() {
			if !p.Suspect {
				healthy++
			}
		}
		return healthy == a.N
	}) {
		return nil, fmt.Errorf("%d healthy peers, want %d", healthy, a.N)
	}
	return time.Now().UnixNano(), nil
}

// usage is what a process holds, in bytes.
type usage struct {
	RSS, PeakRSS, Heap uint64
	Goroutines         int
}

func (w *worker) memory(a struct{ GC bool }) (any, error) {
	if a.GC {
		debug.FreeOSMemory()
	}
	return measure()
}

func measure() (usage, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u := usage{Heap: m.HeapAlloc, Goroutines: runtime.NumGoroutine()}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		for key, to := range map[string]*uint64{"VmRSS:": &u.RSS, "VmHWM:": &u.PeakRSS} {
			if rest, ok := strings.CutPrefix(line, key); ok {
				kb, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
				if err != nil {
					return u, err
				}
				*to = kb << 10
			}
		}
	}
	return u, nil
}

// errorKind names a failed request for the counts of a row.
func errorKind(err error) string {
	var remote *actor.RemoteError
	for kind, target := range map[string]error{
		"ErrNoMembers": actor.ErrNoMembers, "ErrOverloaded": actor.ErrOverloaded, "ErrUnreachable": actor.ErrUnreachable,
		"ErrTimeout": actor.ErrTimeout, "ErrLost": actor.ErrLost, "ErrClosed": actor.ErrClosed,
	} {
		if errors.Is(err, target) {
			return kind
		}
	}
	if errors.As(err, &remote) {
		return "RemoteError"
	}
	return "untyped: " + err.Error()
}
