package node

import (
	"context"
	"fmt"

	"iris/actor"
	"iris/topics"
)

// SubscribeOption is a rare variant of Subscribe.
type SubscribeOption interface{ subscribe(*registration) }

// PublishOption is a rare variant of Publish.
type PublishOption interface {
	publish(topics.PublishOptions) topics.PublishOptions
}

// TopicOption is a variant of both ends of a topic.
type TopicOption interface {
	SubscribeOption
	PublishOption
}

// Reliable makes an end of a topic reliable. A reliable subscriber gets each event
// of a reliable publisher once and in order; in the place of what could not be
// had within 10 s its handler receives a *actor.TopicGap that counts it, which
// the event stream of the node tells too. If either end is not reliable, events may be
// lost. The configuration can ask for it instead: topics: {NAME: {reliable: true}}.
func Reliable() TopicOption { return reliable{} }

type reliable struct{}

func (reliable) subscribe(r *registration) { r.reliable = true }

func (reliable) publish(o topics.PublishOptions) topics.PublishOptions {
	o.Reliable = true
	return o
}

// Subscription is a handler of a topic's events.
type Subscription struct{ r *Registration }

// Subscribe spawns a handler actor that receives the topic's events. It
// returns when every publisher that holds the topic's list knows of it; with
// Reliable when this node has its place in the topic's trees, so that it misses
// nothing that is published from then on.
func (n *Node) Subscribe(topic string, props *actor.Props, opts ...SubscribeOption) (*Subscription, error) {
	o := registration{members: 1}
	for _, opt := range opts {
		opt.subscribe(&o)
	}
	if props == nil {
		return nil, fmt.Errorf("topic %q: %w", topic, errNoProps)
	}
	r, err := n.register(n.readers, topic, props.Clone(), o, func(ctx context.Context, topic string, pids []*actor.PID) (*topics.Registration, error) {
		return n.topics.Subscribe(ctx, topic, topics.SubscribeOptions{Reliable: o.reliable}, pids...)
	})
	if err != nil {
		return nil, fmt.Errorf("topic %q: %w", topic, err)
	}
	return &Subscription{r}, nil
}

// Close ends the subscription: publishers are told, queued events are handled,
// the handler stops. ctx bounds it.
func (s *Subscription) Close(ctx context.Context) error { return s.r.Leave(ctx) }

// Publish sends msg to every subscriber of the topic, at most once each, in
// the order of the calls of one goroutine. One subscriber that does not keep
// up loses events, which is counted; it does not hold the publisher. With Reliable
// what reliable subscribers miss is made good.
func (n *Node) Publish(ctx context.Context, topic string, msg any, opts ...PublishOption) error {
	if err := n.over(); err != nil {
		return err
	}
	var o topics.PublishOptions
	for _, opt := range opts {
		o = opt.publish(o)
	}
	span := n.tracing.Publish(ctx, topic, &o.Trace)
	err := n.topics.Publish(ctx, topic, msg, o)
	span.End(err)
	return err
}
