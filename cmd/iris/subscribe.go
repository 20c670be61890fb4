package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"iris/node/relay/client"
)

// subscriber is the command subscribe.
type subscriber struct {
	receiving
	topics []string
}

func newSubscribe(s streams, signals <-chan os.Signal) *cobra.Command {
	x := &subscriber{receiving: receiving{streams: s}}
	return talker{"subscribe", &x.sharedFlags, x.check, x.run}.command(signals)
}

func (x *subscriber) check(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("want one TOPIC or more")
	}
	x.topics = args
	return checkNames("TOPIC", args...)
}

func (x *subscriber) run(ctx context.Context) error {
	x.begin()
	return x.attached(ctx, client.Config{}, func(conn *client.Conn) error {
		for _, topic := range x.topics {
			prefix := ""
			if len(x.topics) > 1 {
				prefix = topic + "\t"
			}
			if err := conn.Subscribe(topic, func(b []byte) { x.message(received{Topic: topic}, prefix, b) }); err != nil {
				return fmt.Errorf("subscribing: %w", err)
			}
		}
		return x.until(ctx, conn, "subscribed to "+strings.Join(x.topics, ", "))
	})
}
