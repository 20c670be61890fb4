package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitNobody = 3 // nobody is there, or not in time
)

func main() {
	signals := make(chan os.Signal, 2) // one to stop, one to stop waiting for that
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(run(os.Args[1:], streams{os.Stdout, os.Stderr}, signals))
}

// streams are where a command writes: results to out, everything else to err.
type streams struct{ out, err io.Writer }

// failure is an error of the work itself; all other errors come from parsing the
// command line.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// nobody is the error of what failed because nobody was there, or not in time.
type nobody struct{ error }

func (n nobody) Unwrap() error { return n.error }

// run executes the command line and returns the exit status.
func run(args []string, s streams, signals <-chan os.Signal) int {
	root := newRoot(s, signals)
	root.SetArgs(args)
	root.SetOut(s.out)
	root.SetErr(s.err)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exitOK
	}
	name := paint(s.err, red, "iris:")
	if !errors.As(err, new(failure)) {
		fmt.Fprintf(s.err, "%s %v\nrun '%s --help' for usage\n", name, err, cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(s.err, "%s %v\n", name, err)
	if errors.As(err, new(nobody)) {
		return exitNobody
	}
	return exitFailed
}

func newRoot(s streams, signals <-chan os.Signal) *cobra.Command {
	root := group("iris", "Run and inspect nodes of an Iris network")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true // there is our own
	root.AddGroup(&cobra.Group{ID: groupMessages, Title: "Messages, through the relay of a node:"}, &cobra.Group{ID: groupInspect, Title: "Seeing and steering, through the admin endpoint of a node:"},
		&cobra.Group{ID: groupNodes, Title: "Nodes:"})
	for _, cmd := range []*cobra.Command{newNode(s, signals), newConfig(s), newKeygen(s), newContext(s)} {
		cmd.GroupID = groupNodes
		root.AddCommand(cmd)
	}
	root.AddCommand(
		newRequest(s, signals), newReply(s, signals), newBroadcast(s, signals), newListen(s, signals),
		newPublish(s, signals), newSubscribe(s, signals), newTunnel(s, signals),
		newStatus(s, signals), newPeers(s, signals), newClusters(s, signals), newTopics(s, signals), newTunnels(s, signals), newActors(s, signals),
		newEvents(s, signals), newTrace(s, signals), newTop(s, signals), newDoctor(s, signals), newDrain(s, signals), newBundle(s, signals),
		newSim(s), newBench(s, signals), newCompletion(s), newMan(s), newVersion(s),
	)
	return root
}

// The groups of commands in the help.
const (
	groupMessages = "messages"
	groupInspect  = "inspect"
	groupNodes    = "nodes"
)

// group returns a command that only holds others.
func group(use, short string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return errors.New("a command is missing") },
	}
}

// noArgs and fileArg are cobra's NoArgs and ExactArgs(1) in words that say what
// is wanted.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q is too much: the command takes flags only", args[0])
	}
	return nil
}

func fileArg(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one FILE, got %d", len(args))
	}
	return nil
}

// work adapts a command's work to cobra, marking its errors as failures.
func work(do func(args []string) error) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error {
		if err := do(args); err != nil {
			return failure{err}
		}
		return nil
	}
}
