package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"iris/node/relay/client"
)

// sender is a command that sends messages and forgets them: broadcast, publish.
type sender struct {
	sharedFlags
	streams
	what  string // CLUSTER or TOPIC
	send  func(conn *client.Conn, ctx context.Context, name string, message []byte) error
	label func(*sent) // puts the name into what is printed at the end

	name string
	body body
}

// sent is what was sent, in JSON. Fields are only ever added.
type sent struct {
	Cluster string `json:"cluster,omitempty"` // of broadcasts
	Topic   string `json:"topic,omitempty"`   // of events
	Count   int64  `json:"count"`
	Bytes   int64  `json:"bytes"` // of all together
}

func (x *sender) command(manual string, signals <-chan os.Signal) *cobra.Command {
	return talker{manual, &x.sharedFlags, x.check, x.run}.command(signals)
}

func (x *sender) check(cmd *cobra.Command, args []string) (err error) {
	if len(args) < 1 || len(args) > 2 {
		return fmt.Errorf("want %s and at most one BODY, got %d words: quote a body of several", x.what, len(args))
	}
	x.name = args[0]
	if err := checkNames(x.what, x.name); err != nil {
		return err
	}
	x.body, err = bodyOf(cmd, args[1:], &x.sharedFlags)
	return err
}

func (x *sender) run(ctx context.Context) error {
	message, err := x.body.read(ctx)
	if err != nil {
		return err
	}
	var total sent
	err = x.attached(ctx, client.Config{}, func(conn *client.Conn) error {
		for range turns(ctx, x.count, x.interval) {
			if err := x.send(conn, ctx, x.name, message); err != nil {
				return fmt.Errorf("sending to %q: %w", x.name, err)
			}
			total.Count++
			total.Bytes += int64(len(message))
		}
		return nil
	})
	if ctx.Err() != nil {
		err = cut(ctx, x.count)
	}
	if err != nil || !x.json {
		return err
	}
	x.label(&total)
	return (&printer{out: x.out}).object(total)
}
