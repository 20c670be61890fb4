package client_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"iris/node/relay/client"
)

// A member of cluster "shout", and a client that asks it.
func Example() {
	ctx := context.Background()
	service, err := client.Dial(ctx, client.Config{Cluster: "shout", Handler: client.Handler{
		Request: func(_ context.Context, question []byte) ([]byte, error) {
			return []byte(strings.ToUpper(string(question))), nil
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()

	c, err := client.Dial(ctx, client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	answer, err := c.Request(ctx, "shout", []byte("hello"), time.Second)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer))
}
