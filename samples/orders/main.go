// Orders is a shop that publishes numbered orders to kitchens, each a process of
// its own, over a reliable topic. One kitchen is killed half way, and it may be
// the one through which others got their orders.
//
//	go run ./samples/orders
//
// The other kitchens miss nothing: what was lost with the dead is fetched
// from neighbours that still have it, and comes in its place. Were something out of
// reach, an actor.TopicGap would stand there and say how much: nothing is lost in
// silence.
package main

import (
	"bufio"
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
	"syscall"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

// Order is what the shop publishes.
type Order struct {
	Number, Of int // from 1 to Of
}

func init() { actor.RegisterType[Order]("orders.Order") }

func main() {
	cooks := flag.Bool("kitchen", false, "be a kitchen; the network key is read from standard input")
	kitchens := flag.Int("kitchens", 5, "kitchens, each a process; one is killed")
	orders := flag.Int("orders", 1000, "orders to publish")
	rate := flag.Int("rate", 500, "orders per second")
	flag.Parse()
	if *kitchens < 2 || *orders < 2 || *rate < 1 || *rate > 1e6 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "orders: want -kitchens of at least 2, -orders of at least 2, -rate between 1 and 1000000, nothing else")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *cooks {
		err = cook(ctx)
	} else {
		err = sell(ctx, *kitchens, *orders, *rate)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, secret string) (*node.Node, error) {
	cfg := config.Default()
	cfg.Network.Name = "orders-sample"
	cfg.Network.Secret = []byte(secret)
	cfg.Log.Level = slog.LevelError
	return node.Start(ctx, cfg)
}

// cook is a kitchen process: it takes orders, says what it got when the last one
// has come, and stays until the shop has closed.
func cook(ctx context.Context) error {
	var key string
	if _, err := fmt.Scanln(&key); err != nil {
		return fmt.Errorf("network key on standard input: %w", err)
	}
	n, err := start(ctx, key)
	if err != nil {
		return err
	}
	took, missed, last := 0, uint64(0), 0 // used by the handler only
	_, err = n.Subscribe("orders", actor.Func(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.TopicGap:
			missed += m.Missed
		case Order:
			if m.Number <= last {
				fmt.Printf("order %d came after order %d\n", m.Number, last)
			}
			took, last = took+1, m.Number
			if last == m.Of {
				fmt.Printf("took %d orders of %d in order, was told of %d missed\n", took, m.Of, missed)
			}
		}
	}), node.Reliable())
	if err != nil {
		return err
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin) // nothing comes; the end is what matters
	return n.Stop(context.Background())
}

// kitchen is a process that cooks, seen from the shop.
type kitchen struct {
	*exec.Cmd
	says *bufio.Scanner
}

// open starts a kitchen and waits until it takes orders.
func open(ctx context.Context, key string) (*kitchen, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	k := &kitchen{Cmd: exec.CommandContext(ctx, self, "-kitchen")}
	k.Stderr = os.Stderr
	in, err := k.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := k.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := k.Start(); err != nil {
		return nil, err
	}
	k.says = bufio.NewScanner(out)
	if _, err := fmt.Fprintln(in, key); err != nil {
		return k, err
	}
	if !k.says.Scan() {
		return k, errors.New("a kitchen did not open")
	}
	return k, nil
}

// sell is the shop.
func sell(ctx context.Context, count, orders, rate int) error {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	key := base64.StdEncoding.EncodeToString(raw)
	ctx, cancel := context.WithTimeout(ctx, time.Minute+time.Duration(orders)*time.Second/time.Duration(rate))
	var kitchens []*kitchen
	defer func() {
		cancel() // kills the kitchens that are left
		for _, k := range kitchens {
			_ = k.Wait() // they were killed
		}
	}()
	for range count {
		k, err := open(ctx, key)
		if k != nil {
			kitchens = append(kitchens, k)
		}
		if err != nil {
			return err
		}
	}
	n, err := start(ctx, key)
	if err != nil {
		return err
	}
	defer func() { _ = n.Stop(context.Background()) }()
	fmt.Printf("%d orders for %d kitchens in as many processes\n", orders, count)

	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range orders {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("interrupted")
		}
		if i == orders/2 {
			fmt.Printf("order %d: killing kitchen 1\n", i)
			if err := kitchens[0].Process.Kill(); err != nil {
				return err
			}
		}
		if err := n.Publish(ctx, "orders", Order{Number: i + 1, Of: orders}, node.Reliable()); err != nil {
			return err
		}
	}
	for i, k := range kitchens[1:] {
		if !k.says.Scan() {
			return fmt.Errorf("kitchen %d never saw the last order", i+2)
		}
		fmt.Printf("kitchen %d %s\n", i+2, k.says.Text())
	}
	return nil
}
