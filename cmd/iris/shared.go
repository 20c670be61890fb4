package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"iris/node/relay/client"
	"iris/node/relay/packet"
)

// sharedFlags are the flags that commands which attach to a relay have in
// common. Each takes those that its manual names; the values before add are its
// defaults.
type sharedFlags struct {
	relayFlags
	count             int64
	interval, timeout time.Duration
	file              string
	size              int
	json, raw         bool
}

func (f *sharedFlags) add(cmd *cobra.Command, texts []flagText) {
	fl := cmd.Flags()
	for _, t := range texts {
		switch t.name {
		case "count":
			fl.Int64VarP(&f.count, t.name, "n", f.count, t.text)
		case "interval":
			fl.DurationVarP(&f.interval, t.name, "i", f.interval, t.text)
		case "timeout":
			fl.DurationVarP(&f.timeout, t.name, "t", f.timeout, t.text)
		case "file":
			fl.StringVarP(&f.file, t.name, "f", "", t.text)
		case "size":
			fl.IntVarP(&f.size, t.name, "s", f.size, t.text)
		case "json":
			fl.BoolVar(&f.json, t.name, false, t.text)
		case "raw":
			fl.BoolVar(&f.raw, t.name, false, t.text)
		}
	}
	f.relayFlags.add(cmd)
}

// maxWait is the longest that a command waits or pauses.
const maxWait = 24 * 24 * time.Hour

// check returns what is wrong with the values.
func (f *sharedFlags) check() error {
	switch {
	case f.count < 0:
		return fmt.Errorf("count: %d: want 0 or more", f.count)
	case f.interval < 0 || f.interval > maxWait:
		return fmt.Errorf("interval: %v: want 0 to %v", f.interval, maxWait)
	case f.timeout < 0 || f.timeout > maxWait:
		return fmt.Errorf("timeout: %v: want 0 to %v", f.timeout, maxWait)
	case f.size < 0 || f.size > packet.DefaultMessage:
		return fmt.Errorf("size: %d: want 0 to %d octets", f.size, packet.DefaultMessage)
	case f.json && f.raw:
		return fmt.Errorf("want one of --json and --raw, not both")
	}
	return f.relayFlags.check()
}

// checkNames returns what is wrong with the names of clusters or topics.
func checkNames(what string, names ...string) error {
	seen := map[string]bool{}
	for _, name := range names {
		switch {
		case name == "":
			return fmt.Errorf("%s: the name is empty", what)
		case len(name) > packet.MaxName:
			return fmt.Errorf("%s: a name of %d octets, at most %d", what, len(name), packet.MaxName)
		case seen[name]:
			return fmt.Errorf("%s: %q is there twice", what, name)
		}
		seen[name] = true
	}
	return nil
}

// talker is a command that attaches to a relay. Errors of check are mistakes in
// the command line, before anything is done; run has a context that the first
// signal ends.
type talker struct {
	manual string
	flags  *sharedFlags
	check  func(cmd *cobra.Command, args []string) error
	run    func(ctx context.Context) error
}

func (t talker) command(signals <-chan os.Signal) *cobra.Command {
	m := manuals()[t.manual]
	cmd := m.command()
	cmd.GroupID = groupMessages
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	t.flags.add(cmd, m.flags)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := t.flags.check(); err != nil {
			return err
		}
		return t.check(cmd, args)
	}
	cmd.RunE = work(func([]string) error {
		ctx, stop := interruptible(signals)
		defer stop()
		done := make(chan error, 1)
		go func() { done <- t.run(ctx) }()
		return untilForced(ctx, done, signals)
	})
	return cmd
}

// untilForced waits for work that ends in order with ctx, unless a further signal
// comes; then the process ends, and the work with it.
func untilForced(ctx context.Context, done <-chan error, signals <-chan os.Signal) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	asked := time.Now()
	for {
		select {
		case err := <-done:
			return err
		case <-signals:
			if time.Since(asked) >= echo {
				return errForced
			}
		}
	}
}

// attached calls do with a connection to the relay, and closes it in order.
func (f *sharedFlags) attached(ctx context.Context, cfg client.Config, do func(*client.Conn) error) error {
	conn, err := f.attach(ctx, cfg)
	if err != nil {
		return err
	}
	err = do(conn)
	if closed := conn.Close(); err == nil && closed != nil {
		err = fmt.Errorf("the connection to the relay did not end in order: %w", closed)
	}
	return err
}
