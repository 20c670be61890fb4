package main

import (
	"os"

	"github.com/spf13/cobra"

	"iris/node/relay/client"
)

func newBroadcast(s streams, signals <-chan os.Signal) *cobra.Command {
	x := &sender{streams: s, sharedFlags: sharedFlags{count: 1}, what: "CLUSTER", send: (*client.Conn).Broadcast}
	x.label = func(t *sent) { t.Cluster = x.name }
	return x.command("broadcast", signals)
}
