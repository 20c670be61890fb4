package main

import (
	"context"
	"fmt"

	"iris/node/relay/client"
)

// receiving is a command that prints messages: listen, subscribe.
type receiving struct {
	sharedFlags
	streams
	intake *intake
	print  *printer
}

// received is a message in JSON. Fields are only ever added.
type received struct {
	Cluster string `json:"cluster,omitempty"` // that it was broadcast to
	Topic   string `json:"topic,omitempty"`   // of an event
	N       int64  `json:"n"`
	content
}

// begin makes ready to receive.
func (r *receiving) begin() {
	r.intake = newIntake(r.count, r.timeout)
	r.print = &printer{json: r.json, raw: r.raw, out: r.out}
}

// message prints one.
func (r *receiving) message(row received, prefix string, b []byte) {
	n, ok := r.intake.take()
	if !ok {
		return
	}
	if !r.json {
		r.intake.done(r.print.message(prefix, b))
		return
	}
	row.N, row.content = n, contentOf(b)
	r.intake.done(r.print.object(row))
}

// until says what is received, and waits for the end of it.
func (r *receiving) until(ctx context.Context, conn *client.Conn, what string) error {
	fmt.Fprintf(r.err, "iris: %s, ctrl-c ends it\n", what)
	err := r.intake.wait(ctx, conn)
	if s := conn.Stats(); s.BroadcastsDropped+s.EventsDropped > 0 {
		fmt.Fprintf(r.err, "iris: %d messages were dropped: they came faster than they were printed\n", s.BroadcastsDropped+s.EventsDropped)
	}
	return err
}
