package actor_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"iris/actor"
)

type deposit struct{ Amount int }

// account is an actor with state: nobody else touches it, so it needs no lock.
type account struct{ balance int }

func (a *account) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case deposit:
		if m.Amount < 0 {
			actor.Fail(ctx, errors.New("negative amount"))
			return
		}
		a.balance += m.Amount
		ctx.Respond(a.balance)
	}
}

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sys := actor.NewSystem(actor.Options{Node: "here"})
	defer func() { _ = sys.Shutdown(ctx) }()

	pid := sys.Spawn(actor.Of(func() actor.Actor { return &account{} }))
	sys.Root().Send(pid, deposit{10})
	fmt.Println(sys.Root().Request(ctx, pid, deposit{5}))
	_, err := sys.Root().Request(ctx, pid, deposit{-1})
	fmt.Println(err)
	// Output:
	// 15 <nil>
	// iris/user/1: handler failed: negative amount
}

// A panic fails one actor only. Its asker learns of it at once and its supervisor starts it again.
func ExampleSupervisor() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sys := actor.NewSystem(actor.Options{Node: "here"})
	defer func() { _ = sys.Shutdown(ctx) }()

	shop, _ := sys.Service("shop", actor.Supervisor(actor.Strategy{
		MaxRestarts: 3, Window: time.Minute, BackoffMin: time.Millisecond,
	}))
	till, _ := sys.SpawnUnder(shop, "till", actor.Func(func(c actor.Context) {
		if m, ok := c.Message().(int); ok {
			c.Respond(100 / m)
		}
	}))
	_, err := sys.Root().Request(ctx, till, 0)
	fmt.Println(err)
	fmt.Println(sys.Root().Request(ctx, till, 5))
	// Output:
	// iris/shop/till: handler panicked: runtime error: integer divide by zero
	// 20 <nil>
}

// An actor must not wait. It asks, and goes on when the answer is there.
func ExampleContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sys := actor.NewSystem(actor.Options{Node: "here"})
	defer func() { _ = sys.Shutdown(ctx) }()

	stock := sys.Spawn(actor.Func(func(c actor.Context) {
		if item, ok := c.Message().(string); ok {
			c.Respond(len(item))
		}
	}))
	shop := sys.Spawn(actor.Func(func(c actor.Context) {
		if item, ok := c.Message().(string); ok {
			c.Ask(stock, item, time.Second, func(n any, err error) {
				if err != nil {
					actor.Fail(c, err)
					return
				}
				c.Respond(fmt.Sprintf("%d of %s", n, item))
			})
		}
	}))
	fmt.Println(sys.Root().Request(ctx, shop, "bread"))
	// Output: 5 of bread <nil>
}
