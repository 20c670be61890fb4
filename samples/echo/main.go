// Echo asks a cluster of three members, each a process of its own, and kills
// one of them half way.
//
//	go run ./samples/echo
//
// Requests go on: the dead member is avoided within half a second. The ones it
// had already been given fail with actor.ErrLost, because nobody can know
// whether it executed them; with -idempotent they are sent again instead.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

const network = "echo-sample"

func main() {
	member := flag.Bool("member", false, "be a member; the network key is read from standard input")
	count := flag.Int("count", 3000, "requests")
	rate := flag.Int("rate", 1000, "requests per second")
	idempotent := flag.Bool("idempotent", false, "requests may be executed more than once")
	flag.Parse()
	if *count < 1 || *rate < 1 || *rate > 1e6 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "echo: want -count of at least 1, -rate between 1 and 1000000, nothing else")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *member {
		err = serve(ctx)
	} else {
		err = ask(ctx, *count, *rate, *idempotent)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, secret []byte) (*node.Node, error) {
	cfg := config.Default()
	cfg.Network.Name = network
	cfg.Network.Secret = secret
	cfg.Log.Level = slog.LevelError
	return node.Start(ctx, cfg)
}

// serve is a member process: it echoes until it is interrupted or killed, or
// the program that started it has gone.
func serve(ctx context.Context) error {
	var key string
	if _, err := fmt.Scanln(&key); err != nil {
		return fmt.Errorf("network key on standard input: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin) // nothing comes; the end is what matters
	}()
	n, err := start(ctx, []byte(key))
	if err != nil {
		return err
	}
	_, err = n.Register("echo", actor.Func(func(ctx actor.Context) {
		if text, ok := ctx.Message().(actor.Bytes); ok {
			ctx.Respond(text)
		}
	}))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	<-ctx.Done()
	return n.Stop(context.Background())
}

// spawn starts a member process and waits until it serves.
func spawn(ctx context.Context, key string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-member")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintln(in, key); err != nil {
		return cmd, err
	}
	var ready string
	if _, err := fmt.Fscanln(out, &ready); err != nil {
		return cmd, fmt.Errorf("member did not start: %w", err)
	}
	return cmd, nil
}

func ask(ctx context.Context, count, rate int, idempotent bool) error {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	key := base64.StdEncoding.EncodeToString(raw)
	ctx, cancel := context.WithCancel(ctx)
	var members []*exec.Cmd
	defer func() {
		cancel() // kills the members that are left
		for _, m := range members {
			_ = m.Wait() // they were killed
		}
	}()
	for range 3 {
		m, err := spawn(ctx, key)
		if m != nil {
			members = append(members, m)
		}
		if err != nil {
			return err
		}
	}
	n, err := start(ctx, []byte(key))
	if err != nil {
		return err
	}
	defer func() { _ = n.Stop(context.Background()) }()
	fmt.Printf("asking %d members in as many processes, %d requests per second\n", len(members), rate)

	var opts []node.RequestOption
	if idempotent {
		opts = append(opts, node.Idempotent())
	}
	var mu sync.Mutex // guards the following
	var took []time.Duration
	lost := 0
	var other error

	var wg sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range count {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("interrupted")
		}
		if i == count/2 {
			fmt.Printf("request %d: killing a member\n", i)
			if err := members[0].Process.Kill(); err != nil {
				return err
			}
		}
		wg.Go(func() {
			began := time.Now()
			_, err := n.Request(ctx, "echo", actor.Bytes("hello"), opts...)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				took = append(took, time.Since(began))
			case errors.Is(err, actor.ErrLost):
				lost++
			default:
				other = err
			}
		})
	}
	wg.Wait()
	fmt.Printf("%d answered, %d lost with the killed member", len(took), lost)
	if len(took) > 0 {
		slices.Sort(took)
		fmt.Printf("; p50 %v, p99 %v", took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond))
	}
	fmt.Println()
	if other != nil {
		return fmt.Errorf("a request failed otherwise: %w", other)
	}
	return nil
}
