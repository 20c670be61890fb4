package logs

import (
	"context"
	"fmt"
	"log/slog"

	"iris/actor"
)

// Events returns a subscriber of a node's events that logs them, each with the logger
// that part gives for its subsystem: what an operator acts on as warnings, everything
// else for debugging, also what parts of the node log themselves: peers, refused connections,
// jumps of the clock.
func Events(part func(subsystem string) *slog.Logger) func(event any) {
	parts := map[string]*slog.Logger{}
	for _, name := range []string{"actor", "transport", "router", "topics", "tunnels", "relay", "node"} {
		parts[name] = part(name)
	}
	return func(event any) { logEvent(parts[concerned(event)], event) }
}

// concerned returns the subsystem that an event is about: the node if it is about
// several, or is a program's own.
func concerned(event any) string {
	switch event.(type) {
	case *actor.HandlerStarted, *actor.HandlerFailed, *actor.HandlerStopped, *actor.DeadLetter:
		return "actor"
	case *actor.LinkUp, *actor.LinkDown, *actor.LinkRefused, *actor.ProtocolViolation:
		return "transport"
	case *actor.PeerUp, *actor.PeerSuspected, *actor.PeerRecovered, *actor.PeerDown, *actor.Converged:
		return "router"
	case *actor.MemberJoined, *actor.MemberLeft, *actor.TreeParentChanged, *actor.TopicGap:
		return "topics"
	case *actor.TunnelOpened, *actor.TunnelStalled, *actor.TunnelClosed:
		return "tunnels"
	case *actor.RelayClientUp, *actor.RelayClientDown, *actor.RelayClientRefused:
		return "relay"
	}
	return "node"
}

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
