package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"iris/node/relay/client"
)

// tunneller is the command tunnel.
type tunneller struct {
	sharedFlags
	streams
	serve, keep bool

	cluster string
	input   *input
	print   *printer
	moved   moved
}

func newTunnel(s streams, signals <-chan os.Signal) *cobra.Command {
	t := &tunneller{streams: s, sharedFlags: sharedFlags{count: 1, timeout: 5 * time.Second, size: 64 << 10}}
	cmd := talker{"tunnel", &t.sharedFlags, t.check, t.run}.command(signals)
	fl := cmd.Flags()
	fl.BoolVar(&t.serve, "serve", false, "be the end that a tunnel is opened to")
	fl.BoolVar(&t.keep, "keep", false, "leave it to the other end to close the tunnel (default with --serve)")
	return cmd
}

func (t *tunneller) check(cmd *cobra.Command, args []string) error {
	changed := cmd.Flags().Changed
	switch {
	case len(args) != 1:
		return fmt.Errorf("want one CLUSTER, got %d", len(args))
	case t.size == 0:
		return errors.New("size: 0: want 1 octet or more")
	case !t.serve && changed("count"):
		return errors.New("want --count with --serve only: the other end opens one tunnel")
	case !t.serve && t.timeout == 0:
		return errors.New("timeout: 0s: want more")
	}
	if t.serve && !changed("timeout") {
		t.timeout = 0
	}
	t.keep = t.keep || t.serve && !changed("keep")
	t.cluster = args[0]
	t.input = &input{reader: cmd.InOrStdin(), size: t.size}
	return checkNames("CLUSTER", t.cluster)
}

// moved is how much went through tunnels, in JSON. Fields are only ever added.
type moved struct {
	Cluster  string  `json:"cluster"`
	Tunnels  int64   `json:"tunnels"`
	Sent     int64   `json:"sent_bytes"`
	Received int64   `json:"received_bytes"`
	Seconds  float64 `json:"seconds"`
}

func (t *tunneller) run(ctx context.Context) error {
	closeFile, err := t.input.open(t.file)
	if err != nil {
		return err
	}
	defer closeFile()
	t.print = &printer{json: t.json, raw: true, out: t.out}
	t.moved.Cluster = t.cluster
	start := time.Now()
	if t.serve {
		err = t.await(ctx)
	} else {
		err = t.open(ctx)
	}
	t.moved.Seconds = time.Since(start).Seconds()
	if t.json {
		err = errors.Join(err, t.print.object(t.moved))
	}
	return err
}

// open is the end that opens the tunnel.
func (t *tunneller) open(ctx context.Context) error {
	return t.attached(ctx, client.Config{}, func(conn *client.Conn) error {
		start := time.Now()
		tun, err := conn.Tunnel(ctx, t.cluster, t.timeout)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, client.ErrTimeout):
			return nobody{noTunnel(t.cluster, time.Since(start), t.timeout)}
		case err != nil:
			return fmt.Errorf("no tunnel to cluster %q: %w", t.cluster, err)
		}
		return t.session(ctx, tun)
	})
}

func noTunnel(cluster string, took, timeout time.Duration) error {
	if took < timeout {
		return fmt.Errorf("nobody in cluster %q takes a tunnel: 'iris tunnel %s --serve' does", cluster, cluster)
	}
	return fmt.Errorf("nobody in cluster %q took a tunnel within %v: --timeout allows more", cluster, timeout)
}

// await is the end that tunnels are opened to.
func (t *tunneller) await(ctx context.Context) error {
	taken := newIntake(t.count, t.timeout)
	cfg := client.Config{Cluster: t.cluster}
	turn := make(chan struct{}, 1) // one tunnel at a time; the others wait
	cfg.Handler.Tunnel = func(tun *client.Tunnel) {
		turn <- struct{}{}
		defer func() { <-turn }()
		if _, ok := taken.take(); !ok {
			return // closes it
		}
		err := t.session(ctx, tun)
		if ctx.Err() != nil {
			err = nil // as it was told to
		}
		if err != nil && t.count != 1 {
			fmt.Fprintf(t.err, "iris: %v\n", err) // the next one may fare better
			err = nil
		}
		taken.done(err)
	}
	return t.attached(ctx, cfg, func(conn *client.Conn) error {
		fmt.Fprintf(t.err, "iris: waiting for a tunnel to cluster %q, ctrl-c ends it\n", t.cluster)
		return taken.wait(ctx, conn)
	})
}

// session copies both ways until the tunnel ends or the input does.
func (t *tunneller) session(ctx context.Context, tun *client.Tunnel) error {
	t.moved.Tunnels++
	bar := newBar(t.err, t.input.length)
	defer bar.end()
	came := make(chan error, 1)
	go func() { came <- t.receive(ctx, tun) }()
	ended, err := t.send(ctx, tun, bar, came)
	closed := tun.Close() // and with it receive
	if !ended {
		if last := <-came; err == nil && !errors.Is(last, client.ErrClosed) {
			err = last
		}
	}
	if err == nil {
		err = closed
	}
	return err
}
