package main

import (
	"context"
	"fmt"
	"log/slog"

	"iris/actor"
)

// logEvent writes one event of the node: what an operator acts on as warnings,
// everything else for debugging, also what the node logs itself: peers, refused
// connections, jumps of the clock.
func logEvent(log *slog.Logger, event any) {
	switch e := event.(type) {
	case *actor.HandlerFailed:
		log.Warn("handler failed", "pid", e.PID.GetId(), "cluster", e.Cluster, "reason", e.Reason, "message", e.MessageType,
			"restarts", e.Restarts, "directive", fmt.Sprint(e.Directive), "stack", e.Stack)
	case *actor.Overloaded:
		log.Warn("overloaded", "what", e.What, "dropped", e.Dropped)
	case *actor.Relieved:
		log.Info("relieved", "what", e.What, "dropped", e.Dropped)
	case *actor.ProtocolViolation:
		log.Warn("protocol violation", "peer", e.Peer, "reason", e.Reason)
	case *actor.TopicGap:
		log.Warn("topic gap", "topic", e.Topic, "publisher", e.Publisher, "missed", e.Missed)
	case *actor.CommandDone: // logged by who carried it out
	case *actor.EventsLost:
		log.Warn("events lost", "count", e.Count)
	default:
		if log.Enabled(context.Background(), slog.LevelDebug) {
			text, err := actor.EncodeEvent(event)
			if err != nil {
				text = []byte(err.Error())
			}
			log.Debug("event", "event", string(text))
		}
	}
}
