package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"iris/actor"
)

// logEvent writes one event of the node: what an operator acts on as warnings,
// the coming and going of peers as information, everything else for debugging.
func logEvent(log *slog.Logger, event any) {
	switch e := event.(type) {
	case *actor.PeerUp:
		log.Info("peer up", "peer", e.Peer, "addr", e.Addr)
	case *actor.PeerDown:
		log.Info("peer down", "peer", e.Peer, "reason", e.Reason)
	case *actor.HandlerFailed:
		log.Warn("handler failed", "pid", e.PID.GetId(), "cluster", e.Cluster, "reason", e.Reason, "message", e.MessageType,
			"restarts", e.Restarts, "directive", fmt.Sprint(e.Directive), "stack", e.Stack)
	case *actor.Overloaded:
		log.Warn("overloaded", "what", e.What, "dropped", e.Dropped)
	case *actor.Relieved:
		log.Info("relieved", "what", e.What, "dropped", e.Dropped)
	case *actor.LinkRefused:
		log.Warn("link refused", "addr", e.Addr, "reason", e.Reason)
	case *actor.ProtocolViolation:
		log.Warn("protocol violation", "peer", e.Peer, "reason", e.Reason)
	case *actor.TopicGap:
		log.Warn("topic gap", "topic", e.Topic, "publisher", e.Publisher, "missed", e.Missed)
	case *actor.ClockJump:
		log.Warn("clock jumped", "by", e.By)
	case *actor.EventsLost:
		log.Warn("events lost", "count", e.Count)
	default:
		if log.Enabled(context.Background(), slog.LevelDebug) {
			kind := strings.TrimPrefix(fmt.Sprintf("%T", event), "*actor.")
			log.Debug("event", "kind", kind, "event", fmt.Sprintf("%+v", event))
		}
	}
}
