package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// drained is what came of the command drain, in JSON. Fields are only ever added.
type drained struct {
	Node    string  `json:"node"`
	Drained bool    `json:"drained"`
	Seconds float64 `json:"seconds"`
}

func newDrain(s streams, signals <-chan os.Signal) *cobra.Command {
	f := &adminFlags{}
	cmd := asker{manual: inspectManuals()["drain"], flags: f, args: noArgs, run: func(ctx context.Context, a *session, _ []string) error {
		n, err := a.Node(ctx, a.node) // which one it was
		if err != nil {
			return err
		}
		start := time.Now()
		if err := a.Do(ctx, a.node, "drain", nil); err != nil {
			return err
		}
		took := time.Since(start)
		if f.json {
			data, err := json.Marshal(drained{n.ID, true, took.Seconds()})
			if err != nil {
				return err
			}
			return s.object(data)
		}
		_, err = fmt.Fprintf(s.out, "node %s takes nothing new, after %v\n", n.ID, took.Round(time.Millisecond))
		return err
	}}.command(signals)
	setDefault(cmd, "timeout", "1m")
	return cmd
}

// setDefault gives a flag of a command another value from which it starts.
func setDefault(cmd *cobra.Command, name, value string) {
	f := cmd.Flags().Lookup(name)
	if err := f.Value.Set(value); err != nil {
		panic(err) // of the program text
	}
	f.DefValue = f.Value.String()
}
