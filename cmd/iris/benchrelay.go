package main

import (
	"context"
	"sync"

	"iris/actor"
	"iris/node/relay/client"
)

// programs are what takes part by the relay of a node, in place of Go code in it. They
// are in the process of the node, but reach it over TCP like any other.
type programs struct {
	sender *client.Conn // nil: the node itself sends
	reader *client.Conn // nil: none, or handlers of the node read
}

// attach attaches the programs of a part, which read as soon as it returns.
func (p *benchPart) attach(ctx context.Context) (err error) {
	cfg := client.Config{Addr: p.RelayAddrs()[0].String(), Queue: 1 << 30} // as the mailboxes of handlers
	if p.setup.Number == 0 {
		if p.sender, err = client.Dial(ctx, cfg); err != nil {
			return err
		}
	}
	if !p.setup.Serves {
		return nil
	}
	if p.setup.Mode == "request" {
		cfg.Cluster = "bench"
		cfg.Handler.Request = func(_ context.Context, request []byte) ([]byte, error) { return request, nil }
	}
	if p.reader, err = client.Dial(ctx, cfg); err != nil || p.setup.Mode == "request" {
		return err
	}
	return p.hear(ctx)
}

// hear subscribes the reader, and waits until that holds: an event of its own comes back.
func (p *benchPart) hear(ctx context.Context) error {
	hears := make(chan struct{})
	var first sync.Once
	if err := p.reader.Subscribe("bench", func(event []byte) {
		first.Do(func() { close(hears) })
		p.note(event)
	}); err != nil {
		return err
	}
	if err := p.reader.Publish(ctx, "bench", nil); err != nil {
		return err
	}
	select {
	case <-hears:
		return nil
	case <-p.reader.Done():
		return p.reader.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// detach lets the programs leave.
func (g *programs) detach() {
	for _, conn := range []*client.Conn{g.sender, g.reader} {
		if conn != nil {
			_ = conn.Close() // what was wrong is known by what was lost
		}
	}
}

// publish publishes an event from where the part sends.
func (p *benchPart) publish(ctx context.Context, msg any) error {
	if p.sender != nil {
		return p.sender.Publish(ctx, "bench", msg.(actor.Bytes))
	}
	return p.Publish(ctx, "bench", msg)
}

// request is a request from there, and waits for the reply.
func (p *benchPart) request(ctx context.Context, msg any) (err error) {
	if p.sender != nil {
		_, err = p.sender.Request(ctx, "bench", msg.(actor.Bytes), actor.DefaultTimeout)
		return err
	}
	_, err = p.Request(ctx, "bench", msg)
	return err
}
