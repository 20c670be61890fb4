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

// replier is the command reply.
type replier struct {
	sharedFlags
	streams
	echo        bool
	text        string
	concurrency int

	cluster string
	answer  func(ctx context.Context, request []byte) ([]byte, error)
	intake  *intake
	print   *printer
}

func newReply(s streams, signals <-chan os.Signal) *cobra.Command {
	r := &replier{streams: s}
	cmd := talker{"reply", &r.sharedFlags, r.check, r.run}.command(signals)
	fl := cmd.Flags()
	fl.BoolVar(&r.echo, "echo", false, "answer each request with itself")
	fl.StringVar(&r.text, "text", "", "answer each request with this `TEXT`")
	fl.IntVar(&r.concurrency, "concurrency", 16, "requests, or commands, at a time")
	return cmd
}

// check finds what to answer with.
func (r *replier) check(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("want a CLUSTER")
	}
	r.cluster = args[0]
	text, command := cmd.Flags().Changed("text"), args[1:]
	given := 0
	for _, is := range []bool{r.echo, text, len(command) > 0} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return errors.New("want one kind of answer: --echo, --text TEXT, or -- COMMAND")
	case r.concurrency < 1 || r.concurrency > 1024:
		return fmt.Errorf("concurrency: %d: want 1 to 1024", r.concurrency)
	case r.echo:
		r.answer = func(_ context.Context, request []byte) ([]byte, error) { return request, nil }
	case text:
		r.answer = func(context.Context, []byte) ([]byte, error) { return []byte(r.text), nil }
	default:
		r.answer = (&program{words: command, cluster: r.cluster, err: &lockedWriter{w: r.err}}).run
	}
	return checkNames("CLUSTER", r.cluster)
}

func (r *replier) run(ctx context.Context) error {
	r.intake = newIntake(r.count, r.timeout)
	r.print = &printer{json: r.json, out: r.out}
	cfg := client.Config{Cluster: r.cluster, Concurrency: r.concurrency}
	cfg.Handler.Request = r.serve
	return r.attached(ctx, cfg, func(conn *client.Conn) error {
		fmt.Fprintf(r.err, "iris: serving cluster %q, ctrl-c ends it\n", r.cluster)
		return r.intake.wait(ctx, conn)
	})
}

// replied is a request that was served, in JSON. Fields are only ever added.
type replied struct {
	Cluster string  `json:"cluster"`
	N       int64   `json:"n"`
	Ms      float64 `json:"ms"`
	Fault   string  `json:"fault,omitempty"`
	Reply   int     `json:"reply_bytes"`
	content         // of the request
}

// serve answers a request.
func (r *replier) serve(ctx context.Context, request []byte) ([]byte, error) {
	n, ok := r.intake.take()
	if !ok {
		return nil, errors.New("this member has served as many requests as it was to")
	}
	row := replied{Cluster: r.cluster, N: n}
	if r.json {
		row.content = contentOf(request) // before who answers has it
	}
	start := time.Now()
	reply, err := r.answer(ctx, request)
	row.Ms, row.Reply = float64(time.Since(start).Microseconds())/1000, len(reply)
	if err != nil {
		row.Fault = err.Error()
	}
	var broken error
	if r.json {
		broken = r.print.object(row)
	}
	// The context ends once the reply is on its way: the last one goes before
	// the connection does.
	context.AfterFunc(ctx, func() { r.intake.done(broken) })
	return reply, err
}
