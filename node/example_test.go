package node_test

import (
	"context"
	"fmt"
	"log"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

// A node in a network of its own, with a cluster of four handlers.
func Example() {
	ctx := context.Background()
	n, err := node.Start(ctx, config.Default())
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = n.Stop(ctx) }()

	_, err = n.Register("greet", actor.Func(func(ctx actor.Context) {
		if name, ok := ctx.Message().(actor.Bytes); ok {
			ctx.Respond(actor.Bytes("hello, " + string(name)))
		}
	}), node.Members(4))
	if err != nil {
		log.Fatal(err)
	}
	reply, err := node.Ask[actor.Bytes](ctx, n, "greet", actor.Bytes("world"))
	fmt.Println(string(reply), err)
	// Output: hello, world <nil>
}
