package topics

import (
	"context"
	"fmt"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// SubscribeOptions are the rare variants of Subscribe.
type SubscribeOptions struct {
	// Reliable: of events that are published reliably the readers get each once and,
	// for each publisher, in order. A *actor.TopicGap is among them, in the place of
	// what is missing, if some could not be had within 10 s. All readers of the topic
	// on this node then get such events by the same way. So does Config.Reliable.
	Reliable bool
}

// Subscribe gives each of the actors the events of the topic; otherwise it is like
// Register. With Reliable it also waits until this node is in the topic's reliable
// trees: what is published after it returned is heard.
func (t *Topics) Subscribe(ctx context.Context, topic string, o SubscribeOptions, readers ...*actor.PID) (*Registration, error) {
	if len(readers) == 0 {
		return nil, fmt.Errorf("topic %s: no readers given", topic)
	}
	if !o.Reliable && !t.reliably(topic) {
		return t.register(ctx, wire.GroupTopic, topic, readers, nil)
	}
	if err := wire.ValidName(topic); err != nil {
		return nil, err
	}
	tr, err := t.enter(ctx, wire.Group{Kind: wire.GroupReliable, Name: topic})
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	return t.register(ctx, wire.GroupTopic, topic, readers, tr)
}

// enter makes this node a member of the trees of a group, until the caller takes
// back its hold on them, and waits until it is in all.
func (t *Topics) enter(ctx context.Context, key wire.Group) (*trees, error) {
	for {
		tr := t.plant(key, id.ID{})
		if tr == nil && t.over() {
			return nil, actor.ErrClosed
		}
		if tr == nil {
			return nil, actor.ErrOverloaded
		}
		if !tr.hold(1) {
			continue // it has just gone
		}
		if err := tr.await(ctx); err != nil {
			tr.hold(-1)
			return nil, err
		}
		return tr, nil
	}
}

// reliably reports whether the configuration makes a topic reliable.
func (t *Topics) reliably(topic string) bool { return t.certain != nil && t.certain(topic) }
