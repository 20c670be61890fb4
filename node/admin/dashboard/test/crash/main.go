package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx := context.Background()
	cfg, err := config.Load(os.Args[1])
	if err != nil {
		return err
	}
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = n.Stop(ctx) }()
	if _, err := n.Register("boom", actor.Func(boom), node.Members(4)); err != nil {
		return err
	}
	if _, err := n.Subscribe("news", actor.Func(func(actor.Context) {})); err != nil {
		return err
	}
	if _, err := n.Register("greeter", actor.Func(greet)); err != nil {
		return err
	}
	fmt.Printf("node %s listening on %s\nadmin at %s\n", n.ID(), n.Addr(), n.AdminURLs()[0])
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		_, err := n.Request(ctx, "boom", actor.Bytes("crash"))
		fmt.Println("told:", err)
	}
	return lines.Err()
}

func boom(ctx actor.Context) {
	if b, ok := ctx.Message().(actor.Bytes); ok {
		if string(b) == "crash" {
			panic("told to crash")
		}
		ctx.Respond(b)
	}
}

type tick struct{}

// greet keeps the node a little busy, for the figures to move.
func greet(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started, tick:
		ctx.Request(actor.Cluster("boom"), actor.Bytes("hello"))
		ctx.Send(actor.Topic("news"), actor.Bytes("hello"))
		ctx.After(20*time.Millisecond, tick{})
	}
}
