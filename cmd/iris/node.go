package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"iris/actor"
	"iris/node"
	"iris/node/config"
	"iris/node/inspect"
)

func newNode(s streams, signals <-chan os.Signal) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Run a node until SIGTERM or SIGINT",
		Long: `Run a node that serves no clusters of its own: it takes part in the overlay
and logs what it sees. Without a config file (and without IRIS_NETWORK_NAME and
IRIS_NETWORK_KEY) it is in developer mode, with a random network name and key,
so that no other process can join.

Programs in other languages attach to its relay, port 55555 of this host unless
relay.listen says otherwise; if the port is in use the node runs without one.
The same holds for its admin endpoint, port 8787 unless admin.listen says
otherwise: a browser finds the network there.

The first SIGTERM or SIGINT makes the node leave in order, for at most
shutdown.timeout; the second ends the process at once.`,
		Args: noArgs,
		RunE: work(func([]string) error { return runNode(s, file, signals) }),
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "config file")
	return cmd
}

var errForced = errors.New("second signal: stopped without draining")

func runNode(s streams, file string, signals <-chan os.Signal) error {
	cfg, err := config.Load(file)
	if err != nil {
		return explain(err)
	}
	if cfg.Relay.Listen == "" {
		cfg.Relay.Listen, cfg.Relay.Optional = config.RelayPort, true
	}
	if cfg.Admin.Listen == "" {
		cfg.Admin.Listen, cfg.Admin.Optional = config.AdminPort, true
	}
	defer node.PaceCollector(cfg)()
	cfg.Log.Writer = s.err
	if n := cfg.Network; n.Key == "" && len(n.Secret) == 0 {
		fmt.Fprintln(s.err, "iris: developer mode: random network name and key, no other process can join (iris keygen makes a key to share)")
	}

	// Until the node runs, a signal ends the attempt to start it.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type started struct {
		node *node.Node
		err  error
	}
	starting := make(chan started, 1)
	go func() {
		n, err := node.Start(ctx, cfg)
		starting <- started{n, err}
	}()
	var up started
	stop := false
	for up.node == nil && up.err == nil {
		select {
		case up = <-starting:
		case <-signals:
			if stop {
				return errForced
			}
			stop = true
			cancel()
		}
	}
	if stop && errors.Is(up.err, context.Canceled) {
		return nil // asked to stop before it was up
	}
	if up.err != nil {
		return fmt.Errorf("the node did not start: %w", up.err)
	}
	n := up.node
	m := newManager(os.Getenv)
	defer m.close()
	defer watchOver(m, n)()
	m.tell("READY=1", fmt.Sprintf("STATUS=node %s of network %q at %s", n.ID(), n.Network(), n.Addr()))
	fmt.Fprint(s.out, greeting(n)) // in one go: who reads the first line has all
	if !stop {
		log := n.Logger()
		log.Info("node stopping", "signal", (<-signals).String(), "timeout", cfg.Shutdown.Timeout)
	}
	m.tell("STOPPING=1", "STATUS=leaving the network")
	return stopNode(n, cfg.Shutdown.Timeout, signals)
}

// watchOver gives the manager signs of life while the node answers, and until the
// returned function is called. A node that drains is alive.
func watchOver(m *manager, n *node.Node) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		m.watch(ctx, func(ctx context.Context) error {
			_, err := n.Inspect().Ask(ctx, "", inspect.Query{What: "node"})
			if errors.Is(err, actor.ErrClosed) {
				return nil // it stops, which has a time limit of its own
			}
			return err
		})
	}()
	return func() { cancel(); <-over }
}

// greeting says where the node can be reached.
func greeting(n *node.Node) string {
	text := fmt.Sprintf("node %s listening on %s\n", n.ID(), n.Addr())
	if addrs := n.RelayAddrs(); len(addrs) > 0 {
		list := make([]string, len(addrs))
		for i, a := range addrs {
			list[i] = a.String()
		}
		text += "relay listening on " + strings.Join(list, ", ") + "\n"
	}
	if urls := n.AdminURLs(); len(urls) > 0 {
		text += "admin at " + urls[0] + "\n"
	}
	return text
}

// stopper is the part of a node that ends it.
type stopper interface {
	Stop(ctx context.Context) error
}

// echo is how long after the first signal others count as the same one: timeout
// and some service managers signal the process and then its whole group.
const echo = 250 * time.Millisecond

// stopNode leaves the network within the timeout; a further signal cuts that
// short.
func stopNode(n stopper, timeout time.Duration, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- n.Stop(ctx) }()
	asked := time.Now()
	for {
		select {
		case err := <-stopped:
			if err != nil {
				return fmt.Errorf("the node did not stop in order: %w", err)
			}
			return nil
		case <-signals:
			if time.Since(asked) >= echo {
				return errForced // the process ends here, and the node with it
			}
		}
	}
}
