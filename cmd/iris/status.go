package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"iris/cmd/iris/internal/view"
	"iris/node/inspect"
)

func newStatus(s streams, signals <-chan os.Signal) *cobra.Command {
	f := &adminFlags{}
	all := false
	cmd := asker{manual: inspectManuals()["status"], flags: f, args: noArgs, run: func(ctx context.Context, a *session, _ []string) error {
		if all {
			return a.showNetwork(ctx, s)
		}
		return show(ctx, s, a, "node", nil, func(n inspect.Node) error { return s.table(view.Node(n)) })
	}}.command(signals)
	cmd.Flags().BoolVar(&all, "all", false, "one line for each node of the network")
	return cmd
}

// showNetwork prints every node.
func (a *session) showNetwork(ctx context.Context, s streams) error {
	var raw struct {
		Nodes []json.RawMessage `json:"nodes"`
	}
	if err := a.Get(ctx, a.node, "network", nil, &raw); err != nil {
		return err
	}
	nodes := make([]inspect.Brief, len(raw.Nodes))
	for i, data := range raw.Nodes {
		if a.flags.json {
			if err := s.object(data); err != nil {
				return err
			}
			continue
		}
		if err := json.Unmarshal(data, &nodes[i]); err != nil {
			return err
		}
	}
	if a.flags.json {
		return nil
	}
	return s.table(view.Network(nodes))
}
