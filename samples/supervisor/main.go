// Supervisor is a program that watches its own handlers fail: the event stream
// tells what happened, and the program decides by publishing commands.
//
//	go run ./samples/supervisor
//
// The handler divides, and panics when it is asked to divide by zero. The
// runtime answers the asker at once, restarts the handler with back-off, and
// publishes what it did. The program lets it fail three times, then stops it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

// Division is a request for A / B.
type Division struct{ A, B int }

func init() { actor.RegisterType[Division]("supervisor.Division") }

// tolerated is how often the handler may fail before the program stops it.
const tolerated = 3

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "supervisor: takes no arguments")
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "supervisor:", err)
		os.Exit(1)
	}
}

func divide(ctx actor.Context) {
	if d, ok := ctx.Message().(Division); ok {
		ctx.Respond(d.A / d.B)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cfg := config.Default()
	cfg.Log.Level = slog.LevelError
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = n.Stop(ctx) }()

	stopped := make(chan struct{})
	cancelEvents := n.Events().Subscribe(func(ev any) { decide(n, ev, stopped) })
	defer cancelEvents()

	if _, err := n.Register("divide", actor.Func(divide)); err != nil {
		return err
	}
	for _, d := range []Division{{84, 2}, {1, 0}, {9, 3}, {2, 0}, {3, 0}} {
		reply, err := n.Request(ctx, "divide", d)
		var remote *actor.RemoteError
		switch {
		case err == nil:
			fmt.Printf("%d / %d = %v\n", d.A, d.B, reply)
		case errors.As(err, &remote):
			fmt.Printf("%d / %d: the handler says: %s\n", d.A, d.B, remote.Text)
		default:
			return err
		}
	}
	select {
	case <-stopped:
	case <-ctx.Done():
		return errors.New("the handler was not stopped")
	}
	// Where nobody serves any more, a request says so at once.
	if _, err := n.Request(ctx, "divide", Division{1, 1}); !errors.Is(err, actor.ErrNoMembers) {
		return fmt.Errorf("asked a stopped handler: got %v, want %v", err, actor.ErrNoMembers)
	}
	fmt.Println("1 / 1: nobody divides any more")
	return nil
}

// decide runs for every event, in its own goroutine: it may block or even
// panic without harm to the node.
func decide(n *node.Node, ev any, stopped chan<- struct{}) {
	switch ev := ev.(type) {
	case *actor.HandlerFailed:
		fmt.Printf("  event: %s failed on %s in %s: %s; the runtime will %s it in %v\n",
			ev.PID.Id, ev.MessageType, culprit(ev.Stack), ev.Reason, ev.Directive, ev.Backoff.Round(time.Millisecond))
		if ev.Restarts >= tolerated {
			fmt.Println("  decision: that is enough, stop it")
			n.Events().Publish(&actor.StopHandler{PID: ev.PID, By: "the supervisor"})
		}
	case *actor.HandlerStopped:
		if ev.Cluster == "divide" {
			fmt.Printf("  event: %s stopped: %s\n", ev.PID.Id, ev.Reason)
		}
	case *actor.MemberLeft:
		if ev.Cluster == "divide" && ev.Members == 0 {
			close(stopped)
		}
	}
}

// culprit returns the function of this program that is on top of a stack.
func culprit(stack string) string {
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(line, "main.") {
			name, _, _ := strings.Cut(line, "(")
			return name
		}
	}
	return "somewhere"
}
