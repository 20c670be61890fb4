package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"iris/node/relay/client"
)

// listener is the command listen.
type listener struct {
	receiving
	cluster string
}

func newListen(s streams, signals <-chan os.Signal) *cobra.Command {
	l := &listener{receiving: receiving{streams: s}}
	return talker{"listen", &l.sharedFlags, l.check, l.run}.command(signals)
}

func (l *listener) check(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one CLUSTER, got %d", len(args))
	}
	l.cluster = args[0]
	return checkNames("CLUSTER", l.cluster)
}

func (l *listener) run(ctx context.Context) error {
	l.begin()
	cfg := client.Config{Cluster: l.cluster}
	cfg.Handler.Broadcast = func(b []byte) { l.message(received{Cluster: l.cluster}, "", b) }
	return l.attached(ctx, cfg, func(conn *client.Conn) error {
		return l.until(ctx, conn, fmt.Sprintf("listening to cluster %q", l.cluster))
	})
}
