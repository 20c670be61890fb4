package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"iris/node/relay/client"
)

// requester is the command request.
type requester struct {
	sharedFlags
	streams
	cluster string
	body    body
	tally   tally
}

func newRequest(s streams, signals <-chan os.Signal) *cobra.Command {
	r := &requester{streams: s, sharedFlags: sharedFlags{count: 1, timeout: 5 * time.Second}}
	return talker{"request", &r.sharedFlags, r.check, r.run}.command(signals)
}

func (r *requester) check(cmd *cobra.Command, args []string) (err error) {
	if len(args) < 1 || len(args) > 2 {
		return fmt.Errorf("want CLUSTER and at most one BODY, got %d words: quote a body of several", len(args))
	}
	if r.timeout == 0 {
		return errors.New("timeout: 0s: want more")
	}
	r.cluster = args[0]
	r.body, err = bodyOf(cmd, args[1:], &r.sharedFlags)
	return errors.Join(checkNames("CLUSTER", r.cluster), err)
}

func (r *requester) run(ctx context.Context) error {
	question, err := r.body.read(ctx)
	if err != nil {
		return err
	}
	return r.attached(ctx, client.Config{}, func(conn *client.Conn) error {
		p := &printer{json: r.json, raw: r.raw, out: r.out}
		for n := range turns(ctx, r.count, r.interval) {
			o := r.ask(ctx, conn, question)
			if ctx.Err() != nil {
				break
			}
			if err := r.report(p, n, o); err != nil {
				return err
			}
		}
		if r.count != 1 {
			r.tally.print(r.err)
		}
		if ctx.Err() != nil && r.count > 0 {
			return context.Cause(ctx)
		}
		return r.tally.verdict()
	})
}

// asked is the outcome of one request.
type asked struct {
	reply []byte
	err   error
	took  time.Duration
}

func (r *requester) ask(ctx context.Context, conn *client.Conn, question []byte) asked {
	start := time.Now()
	reply, err := conn.Request(ctx, r.cluster, question, r.timeout)
	return asked{reply, err, time.Since(start)}
}

// requested is the outcome of a request in JSON. Fields are only ever added.
type requested struct {
	Cluster  string  `json:"cluster"`
	N        int64   `json:"n"`
	Status   string  `json:"status"` // reply, fault, timeout
	Ms       float64 `json:"ms"`
	Fault    string  `json:"fault,omitempty"`
	*content         // of a reply
}

// report prints an outcome and counts it. Its error is one that ends all.
func (r *requester) report(p *printer, n int64, o asked) error {
	row := requested{Cluster: r.cluster, N: n, Status: "reply", Ms: float64(o.took.Microseconds()) / 1000}
	var fault *client.Fault
	switch {
	case o.err == nil:
		r.tally.reply(o.took)
		if !r.json {
			return p.message("", o.reply)
		}
		c := contentOf(o.reply)
		row.content = &c
	case errors.As(o.err, &fault):
		row.Status, row.Fault = "fault", fault.Text
		o.err = fmt.Errorf("cluster %q answered with a fault: %s", r.cluster, fault.Text)
		r.tally.fault(o.err)
	case errors.Is(o.err, client.ErrTimeout):
		row.Status = "timeout"
		o.err = nobody{noAnswer(r.cluster, o.took, r.timeout)}
		r.tally.timeout(o.err)
	default:
		return fmt.Errorf("no answer of cluster %q will come: %w", r.cluster, o.err)
	}
	if o.err != nil && r.count != 1 {
		fmt.Fprintf(r.err, "iris: %d: %v\n", n, o.err)
	}
	if r.json {
		return p.object(row)
	}
	return nil
}

// noAnswer says why there may be no answer, by the time that it took to fail.
func noAnswer(cluster string, took, timeout time.Duration) error {
	if took < timeout {
		return fmt.Errorf("nobody answers for cluster %q: it has no member, or that was lost or overloaded; 'iris reply %s --echo' starts one", cluster, cluster)
	}
	return fmt.Errorf("cluster %q did not answer within %v: --timeout allows more", cluster, timeout)
}

// tally is what came of several requests.
type tally struct {
	replies, faults, timeouts int64
	least, most, sum          time.Duration
	firstFault, firstTimeout  error
}

func (t *tally) reply(took time.Duration) {
	if t.replies == 0 || took < t.least {
		t.least = took
	}
	t.replies++
	t.most = max(t.most, took)
	t.sum += took
}

func (t *tally) fault(err error) {
	t.faults++
	if t.firstFault == nil {
		t.firstFault = err
	}
}

func (t *tally) timeout(err error) {
	t.timeouts++
	if t.firstTimeout == nil {
		t.firstTimeout = err
	}
}

func (t *tally) print(w io.Writer) {
	fmt.Fprintf(w, "iris: %d requests: %d replies, %d faults, %d timeouts", t.replies+t.faults+t.timeouts, t.replies, t.faults, t.timeouts)
	if t.replies > 0 {
		fmt.Fprintf(w, "; fastest %v, mean %v, slowest %v", round(t.least), round(t.sum/time.Duration(t.replies)), round(t.most))
	}
	fmt.Fprintln(w)
}

func round(d time.Duration) time.Duration { return d.Round(time.Microsecond) }

// verdict is the worst of what came.
func (t *tally) verdict() error {
	worst := t.firstTimeout
	if t.firstFault != nil {
		worst = t.firstFault
	}
	if failed, all := t.faults+t.timeouts, t.replies+t.faults+t.timeouts; failed > 0 && all > 1 {
		return fmt.Errorf("%d of %d requests failed, one of them so: %w", failed, all, worst)
	}
	return worst
}
