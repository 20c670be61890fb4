package main

import (
	"os"

	"github.com/spf13/cobra"

	"iris/node/relay/client"
)

func newPublish(s streams, signals <-chan os.Signal) *cobra.Command {
	x := &sender{streams: s, sharedFlags: sharedFlags{count: 1}, what: "TOPIC", send: (*client.Conn).Publish}
	x.label = func(t *sent) { t.Topic = x.name }
	return x.command("publish", signals)
}
