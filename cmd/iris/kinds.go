package main

import (
	"fmt"
	"slices"
	"strings"
)

// eventKinds are those of the events of a node. Programs have more, each with a dot in it.
func eventKinds() []string {
	return []string{
		"Hello",
		"NodeStarted", "NodeStopping", "NodeStopped", "Converged", "PeerUp", "PeerSuspected", "PeerRecovered",
		"PeerDown", "LinkUp", "LinkDown", "LinkRefused", "MemberJoined", "MemberLeft", "TreeParentChanged",
		"TopicGap", "TunnelOpened", "TunnelStalled", "TunnelClosed", "RelayClientUp", "RelayClientDown",
		"RelayClientRefused", "HandlerStarted", "HandlerFailed", "HandlerStopped", "DeadLetter", "Overloaded",
		"Relieved", "ProtocolViolation", "ConfigChanged", "ClockJump", "EventsLost", "CommandDone",
	}
}

// checkKinds returns what is wrong with kinds of events that are asked for.
func checkKinds(asked []string) error {
	for _, k := range asked {
		if k = strings.TrimSpace(k); !slices.Contains(eventKinds(), k) && !strings.Contains(k, ".") {
			return fmt.Errorf("kind: no event is called %q, there are %s, and those of programs, such as shop.StockLow", k, strings.Join(eventKinds(), ", "))
		}
	}
	return nil
}
