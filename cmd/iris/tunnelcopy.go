package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"iris/node/relay/client"
)

// tunnelled is a message that came out of a tunnel, in JSON. Fields are only ever
// added.
type tunnelled struct {
	Cluster string `json:"cluster"`
	content
}

// receive prints what comes until the tunnel ends; in order, if the error is nil.
func (t *tunneller) receive(ctx context.Context, tun *client.Tunnel) error {
	for {
		message, err := tun.Recv(ctx)
		switch {
		case err == io.EOF:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("the tunnel broke: %w", err)
		}
		t.moved.Received += int64(len(message))
		if t.json {
			err = t.print.object(tunnelled{t.cluster, contentOf(message)})
		} else {
			err = t.print.exactly(message)
		}
		if err != nil {
			return err
		}
	}
}

// send copies the input into the tunnel until that ends, or receiving does, whose
// outcome is came: ended tells that it was taken from there.
func (t *tunneller) send(ctx context.Context, tun *client.Tunnel, bar *bar, came <-chan error) (ended bool, err error) {
	pieces := t.input.pieces()
	for {
		select {
		case err := <-came:
			if err == nil && t.moved.Sent < t.input.length {
				err = errors.New("the other end closed the tunnel before all was sent")
			}
			return true, err
		case p, more := <-pieces:
			if !more {
				if err := t.input.err; err != nil {
					return false, fmt.Errorf("cannot read the input: %w", err)
				}
				if !t.keep {
					return false, nil
				}
				pieces = nil
				continue
			}
			if err := tun.Send(ctx, p); err != nil {
				return t.unsent(ctx, len(p), err, came)
			}
			t.moved.Sent += int64(len(p))
			bar.add(len(p))
		}
	}
}

// unsent is the error of a piece that could not be sent. Why the tunnel ended is
// for receive to say.
func (t *tunneller) unsent(ctx context.Context, n int, err error, came <-chan error) (bool, error) {
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case !errors.Is(err, client.ErrClosed):
		return false, err
	}
	if last := <-came; last != nil {
		return true, last
	}
	return true, fmt.Errorf("the other end closed the tunnel; the last %d octets of the input were not sent", n)
}
