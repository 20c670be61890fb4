package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"iris/actor"
)

// done is the answer to a command that was carried out.
var done = json.RawMessage(`{"done":true}`)

// commands are what can be ordered, each as an event that programs see too.
var commands = map[string]func(i *Inspector, args map[string]string) (actor.Command, error){
	"do:drain": func(_ *Inspector, args map[string]string) (actor.Command, error) {
		return &actor.Drain{By: args["by"]}, nil
	},
	"do:disconnect": func(_ *Inspector, args map[string]string) (actor.Command, error) {
		return &actor.Disconnect{Peer: args["peer"], By: args["by"]}, nil
	},
	"do:loglevel": func(_ *Inspector, args map[string]string) (actor.Command, error) {
		return &actor.SetLogLevel{Level: args["level"], Subsystem: args["subsystem"], By: args["by"]}, nil
	},
	"do:restart": func(i *Inspector, args map[string]string) (actor.Command, error) {
		pid, err := i.target(args["pid"])
		return &actor.Restart{PID: pid, By: args["by"]}, err
	},
	"do:stop": func(i *Inspector, args map[string]string) (actor.Command, error) {
		pid, err := i.target(args["pid"])
		return &actor.StopHandler{PID: pid, By: args["by"]}, err
	},
}

// target is the actor of this node that a command is for: iris/... or NODE/iris/...
func (i *Inspector) target(text string) (*actor.PID, error) {
	path := strings.TrimPrefix(text, i.self+"/")
	if !strings.HasPrefix(path, root+"/") {
		return nil, badQuery("pid %q is no actor of this node", text)
	}
	if _, ok := i.cfg.System.Look(path); !ok {
		return nil, fmt.Errorf("actor %q: %w", path, ErrNotFound)
	}
	return actor.NewPID(i.self, path), nil
}

// order carries out a command and waits for its answer.
func (i *Inspector) order(ctx context.Context, q Query) (any, error) {
	args := make(map[string]string, len(q.Args)+1)
	for k, v := range q.Args {
		args[k] = v
	}
	if args["by"] == "" {
		args["by"] = "inspect"
	}
	c, err := commands[q.What](i, args)
	if err != nil {
		return nil, err
	}
	switch err := i.cfg.System.Events().Do(ctx, c); {
	case errors.Is(err, actor.ErrDenied):
		return nil, badQuery("%s is a part of the node", args["pid"])
	case err != nil:
		return nil, err
	}
	return done, nil
}
