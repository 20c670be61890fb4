package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
	"iris/tunnels"
)

// irisNode is a part of Iris: a node like any other, but for the mailbox of its
// handlers, which takes what NATS and Proto.Actor keep without a bound.
type irisNode struct {
	*node.Node
	suspects atomic.Int64
}

// topic names the topic of lane n.
func topic(n int) string { return fmt.Sprintf("events-%d", n) }

func startIris(s setup, seeds ...string) (*irisNode, error) {
	cfg := config.Default()
	cfg.Network = config.Network{Name: "bench", Secret: s.Secret}
	cfg.Discovery = config.Discovery{}
	cfg.Seeds, cfg.BusyPoll = seeds, s.BusyPoll
	cfg.Log = config.Log{Handler: slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})}
	cfg.Limits.Mailbox, cfg.Limits.MailboxBytes, cfg.Limits.Memory = 10_000_000, 1<<30, 8<<30
	node.PaceCollector(cfg) // as iris node does; the process is nothing else
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	in := &irisNode{Node: n}
	n.Events().Subscribe(func(event any) {
		if _, ok := event.(*actor.PeerSuspected); ok {
			in.suspects.Add(1)
		}
	})
	return in, nil
}

func (n *irisNode) at() string       { return n.Addr().String() }
func (n *irisNode) suspected() int64 { return n.suspects.Load() }
func (n *irisNode) close()           { _ = n.Stop(context.Background()) }

// irisFar serves a topic, one by a handler that takes batches, a cluster that echoes, and one that drains tunnels. The
// first far end listens for the others.
func irisFar(s setup, into *sink) (part, error) {
	n, err := startIris(s, seedsOf(s)...)
	if err != nil {
		return nil, err
	}
	reader := actor.Func(func(ctx actor.Context) {
		if event, ok := ctx.Message().(actor.Bytes); ok {
			into.take(event)
		}
	})
	for _, name := range []string{topic(s.Number), "all"} {
		if _, err := n.Subscribe(name, reader); err != nil {
			return nil, err
		}
	}
	batches := actor.Func(func(ctx actor.Context) {
		if batch, ok := ctx.Message().(*actor.Batch); ok {
			for i := range batch.Len() {
				into.take(batch.At(i))
			}
		}
	}).Batches()
	if _, err := n.Subscribe("batches", batches); err != nil {
		return nil, err
	}
	if _, err := n.Register("echo", actor.Func(func(ctx actor.Context) {
		if msg, ok := ctx.Message().(actor.Bytes); ok {
			ctx.Respond(msg)
		}
	})); err != nil {
		return nil, err
	}
	_, err = n.Register("drain", actor.Func(func(ctx actor.Context) {
		if in, ok := ctx.Message().(*tunnels.Incoming); ok {
			go drain(in.Tunnel, into)
		}
	}))
	return n, err
}

func seedsOf(s setup) []string {
	if s.At == "" {
		return nil
	}
	return []string{s.At}
}

// drain reads a tunnel to its end.
func drain(t *tunnels.Tunnel, into *sink) {
	buf := make([]byte, chunk)
	for r := t.Stream(); ; {
		n, err := r.Read(buf)
		into.add(int64(n))
		if err != nil {
			_ = t.Close()
			return
		}
	}
}

// irisSender is the near end.
type irisSender struct{ *irisNode }

func irisNear(s setup) (part, error) {
	n, err := startIris(s, s.At)
	if err != nil {
		return nil, err
	}
	return irisSender{n}, nil
}

func (n irisSender) publish(lane int, event []byte, count int64) error {
	to := topic(lane)
	switch lane {
	case toAll:
		to = "all"
	case toBatches:
		to = "batches"
	}
	ctx, cancel := context.WithTimeout(context.Background(), runTimeout)
	defer cancel()
	var msg any = actor.Bytes(event)
	for range count {
		if err := n.Publish(ctx, to, msg); err != nil {
			return err
		}
	}
	return nil
}

func (n irisSender) asker() (func([]byte) error, error) {
	return func(msg []byte) error {
		_, err := n.Request(context.Background(), "echo", actor.Bytes(msg))
		return err
	}, nil
}

func (n irisSender) tunnel(chunk []byte, count int64, stop <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), runTimeout)
	defer cancel()
	t, err := n.Tunnel(ctx, "drain")
	if err != nil {
		return err
	}
	w := t.Stream()
	if err := stream(w, chunk, count, stop); err != nil {
		return err
	}
	return t.Close()
}
