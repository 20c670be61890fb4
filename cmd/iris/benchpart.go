package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
	"iris/tunnels"
)

// benchSetup says what one part of a benchmark is to be.
type benchSetup struct {
	Mode    string   `json:"mode"`
	Number  int      `json:"number"` // 0 is the part that sends
	Serves  bool     `json:"serves"` // whether it handles what is sent
	Batch   bool     `json:"batch"`  // whether handlers take batches
	Relay   bool     `json:"relay"`  // whether programs of the relay send and handle
	Players int      `json:"players"`
	Parts   int      `json:"parts"`
	Seeds   []string `json:"seeds"`
	Secret  []byte   `json:"secret"`
	// BusyPoll is that of the nodes.
	BusyPoll time.Duration `json:"busy_poll"`
}

// benchPart is a node with the handlers of a benchmark, and what they counted.
type benchPart struct {
	*node.Node
	programs
	setup  benchSetup
	run    atomic.Uint64
	got    atomic.Int64
	last   atomic.Int64 // when something last came, Unix nanoseconds
	took   histogram
	ending func(whisper []byte) // of a round, at the first player
}

// What a message begins with: the run it belongs to, and when it was sent.
const benchHeader = 16

// stamped returns a message of so many bytes that says when it was sent.
func stamped(size int, run uint64, at time.Time) actor.Bytes {
	msg := make(actor.Bytes, max(size, benchHeader))
	binary.LittleEndian.PutUint64(msg, run)
	if !at.IsZero() {
		binary.LittleEndian.PutUint64(msg[8:], uint64(at.UnixNano()))
	}
	return msg
}

func startBenchPart(ctx context.Context, s benchSetup) (*benchPart, error) {
	cfg := config.Default()
	cfg.Network = config.Network{Name: "iris bench", Secret: s.Secret}
	cfg.Discovery, cfg.Seeds, cfg.BusyPoll = config.Discovery{}, s.Seeds, s.BusyPoll
	cfg.Log = config.Log{Handler: slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})}
	// Nothing holds a publisher who is faster than a handler: room for all of a run.
	cfg.Limits.Mailbox, cfg.Limits.MailboxBytes, cfg.Limits.Memory = 10_000_000, 1<<30, min(8<<30, math.MaxInt)
	node.PaceCollector(cfg) // as iris node does; the process is nothing else
	cfg.Limits.Tunnels = 1 << 16
	if s.Relay {
		cfg.Relay.Listen = "127.0.0.1:0"
	}
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p := &benchPart{Node: n, setup: s}
	if err := p.serve(ctx); err != nil {
		p.stop(ctx)
		return nil, err
	}
	return p, nil
}

// stop ends the programs, then the node.
func (p *benchPart) stop(ctx context.Context) {
	p.detach()
	_ = p.Stop(ctx) // what it would tell the processes that are gone
}

// serve registers the handlers of the mode, or attaches the programs.
func (p *benchPart) serve(ctx context.Context) error {
	if p.setup.Relay {
		return p.attach(ctx)
	}
	if p.setup.Mode == "ring" {
		for k := 1; k <= p.setup.Players; k++ {
			if (k-1)%p.setup.Parts != p.setup.Number {
				continue
			}
			if _, err := p.Register(player(k), actor.Func(p.pass(k))); err != nil {
				return err
			}
		}
		return nil
	}
	if !p.setup.Serves {
		return nil
	}
	switch p.setup.Mode {
	case "pub":
		reader := actor.Func(p.count)
		if p.setup.Batch {
			reader = actor.Func(p.countBatch).Batches()
		}
		_, err := p.Subscribe("bench", reader)
		return err
	case "tunnel":
		_, err := p.Register(drain(p.setup.Number), actor.Func(p.drains))
		return err
	case "broadcast":
		_, err := p.Register("bench", actor.Func(p.count))
		return err
	case "soak":
		if _, err := p.Subscribe("bench", actor.Func(p.count)); err != nil {
			return err
		}
		if _, err := p.Register(drain(p.setup.Number), actor.Func(p.drains)); err != nil {
			return err
		}
	}
	_, err := p.Register("bench", actor.Func(func(ctx actor.Context) {
		if msg, ok := ctx.Message().(actor.Bytes); ok {
			ctx.Respond(msg)
		}
	}))
	return err
}

// drain names the cluster of the part that reads tunnels.
func drain(part int) string { return fmt.Sprintf("drain-%d", part) }

// player names the cluster of a player of the ring, from 1.
func player(k int) string { return fmt.Sprintf("player-%d", k) }

// count is a handler that counts.
func (p *benchPart) count(ctx actor.Context) {
	if msg, ok := ctx.Message().(actor.Bytes); ok {
		p.note(msg)
	}
}

// countBatch is count for batches.
func (p *benchPart) countBatch(ctx actor.Context) {
	if batch, ok := ctx.Message().(*actor.Batch); ok {
		for i := range batch.Len() {
			p.note(batch.At(i))
		}
	}
}

// note counts a message, and if it says when it was sent, how long it took.
func (p *benchPart) note(msg actor.Bytes) {
	if len(msg) < benchHeader || binary.LittleEndian.Uint64(msg) != p.run.Load() {
		return
	}
	now := time.Now().UnixNano()
	if at := binary.LittleEndian.Uint64(msg[8:]); at > 0 {
		p.took.add(time.Duration(now - int64(at)))
	}
	p.last.Store(now)
	p.got.Add(1)
}

// drains is a handler that reads tunnels to their end.
func (p *benchPart) drains(ctx actor.Context) {
	in, ok := ctx.Message().(*tunnels.Incoming)
	if !ok {
		return
	}
	if p.setup.Mode == "soak" {
		go p.idle(in.Tunnel)
	} else {
		go p.read(in.Tunnel)
	}
}

// read counts the bytes of a tunnel until it ends.
func (p *benchPart) read(t *tunnels.Tunnel) {
	buf := make([]byte, 64<<10)
	for r := t.Stream(); ; {
		n, err := r.Read(buf)
		p.got.Add(int64(n))
		p.last.Store(time.Now().UnixNano())
		if err != nil {
			_ = t.Close()
			return
		}
	}
}

// idle waits for the end of a tunnel with as little as a program can have for each.
func (*benchPart) idle(t *tunnels.Tunnel) {
	_, _ = t.Recv(context.Background()) // its end
	_ = t.Close()
}

// pass is the handler of a player: what it hears it passes on. The first player hears
// what has gone round.
func (p *benchPart) pass(k int) func(actor.Context) {
	next := actor.Cluster(player(k%p.setup.Players + 1))
	return func(ctx actor.Context) {
		msg, ok := ctx.Message().(actor.Bytes)
		if !ok {
			return
		}
		if k == 1 {
			p.count(ctx)
			p.ending(msg)
			return
		}
		ctx.Send(next, msg)
	}
}

// benchCommand is what the sending process tells another one, benchAnswer what that
// says, as JSON lines.
type benchCommand struct {
	Op    string      `json:"op"` // start, begin, await, memory
	Setup *benchSetup `json:"setup,omitempty"`
	Run   uint64      `json:"run,omitempty"`
	Count int64       `json:"count,omitempty"`
}

type benchAnswer struct {
	Error      string        `json:"error,omitempty"`
	Addr       string        `json:"addr,omitempty"`
	Got        int64         `json:"got,omitempty"`
	Last       int64         `json:"last,omitempty"` // Unix nanoseconds
	Took       bars          `json:"took"`
	CPU        time.Duration `json:"cpu,omitempty"`
	Heap       int64         `json:"heap,omitempty"` // bytes of live objects and stacks
	Goroutines int           `json:"goroutines,omitempty"`
}

// benchPatience is how long a receiver waits for another message before it takes the
// rest for lost.
const benchPatience = 2 * time.Second

func (p *benchPart) do(c benchCommand) benchAnswer {
	switch c.Op {
	case "begin":
		p.run.Store(c.Run)
		p.got.Store(0)
		p.took.reset()
		return benchAnswer{CPU: cpuTime()}
	case "await":
		p.await(c.Count)
		return benchAnswer{Got: p.got.Load(), Last: p.last.Load(), Took: p.took.bars(), CPU: cpuTime()}
	case "memory":
		return memory()
	}
	return benchAnswer{Error: fmt.Sprintf("no command %q", c.Op)}
}

// await waits until so many have come, or none for a while.
func (p *benchPart) await(count int64) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	seen, since := p.got.Load(), time.Now()
	for now := range tick.C {
		n := p.got.Load()
		if n >= count || n == seen && now.Sub(since) > benchPatience {
			return
		}
		if n != seen {
			seen, since = n, now
		}
	}
}

// memory says what is alive after collections: two, for pools give up their contents
// in two steps.
func memory() benchAnswer {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return benchAnswer{Heap: int64(m.HeapAlloc + m.StackInuse), Goroutines: runtime.NumGoroutine()}
}
