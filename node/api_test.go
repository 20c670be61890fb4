package node

import (
	"context"
	"io"
	"net"

	"iris/actor"
	"iris/node/config"
	"iris/tunnels"
)

// What programs may count on; a change that breaks them breaks the build.
var (
	_ func() config.Config                                                             = config.Default
	_ func(string) (config.Config, error)                                              = config.Load
	_ func(context.Context, config.Config) (*Node, error)                              = Start
	_ func(*Node, context.Context) error                                               = (*Node).Stop
	_ func(*Node) string                                                               = (*Node).ID
	_ func(*Node) net.Addr                                                             = (*Node).Addr
	_ func(*Node) []PeerInfo                                                           = (*Node).Peers
	_ func(*Node, string, *actor.Props, ...RegisterOption) (*Registration, error)      = (*Node).Register
	_ func(int) RegisterOption                                                         = Members
	_ func(*Registration, context.Context) error                                       = (*Registration).Leave
	_ func(*Node, context.Context, string, any, ...RequestOption) (any, error)         = (*Node).Request
	_ func() RequestOption                                                             = Idempotent
	_ func(context.Context, *Node, string, any, ...RequestOption) (actor.Bytes, error) = Ask[actor.Bytes]
	_ func(*Node, context.Context, string, any) error                                  = (*Node).Broadcast
	_ func(*Node, context.Context, string, any, ...PublishOption) error                = (*Node).Publish
	_ func(*Node, string, *actor.Props, ...SubscribeOption) (*Subscription, error)     = (*Node).Subscribe
	_ func() TopicOption                                                               = Reliable
	_ func(*Subscription, context.Context) error                                       = (*Subscription).Close
	_ func(*Node, context.Context, string) (*tunnels.Tunnel, error)                    = (*Node).Tunnel
	_ func(*Node) *actor.Events                                                        = (*Node).Events
	_ func(*Node) *actor.System                                                        = (*Node).System

	_ func(*actor.Events, func(any)) func()                = (*actor.Events).Subscribe
	_ func(*actor.Events, context.Context, int) <-chan any = (*actor.Events).Chan
	_ func(*actor.Events, any)                             = (*actor.Events).Publish
	_ func(func() actor.Actor) *actor.Props                = actor.Of
	_ func(func(actor.Context)) *actor.Props               = actor.Func
	_ func(*actor.Props, int) *actor.Props                 = (*actor.Props).Mailbox
	_ func(*actor.Props, actor.Strategy) *actor.Props      = (*actor.Props).Strategy
	_ func(string)                                         = actor.RegisterType[order]
	_ func(actor.Context) actor.Delivery                   = actor.Meta
	_ func(string) *actor.PID                              = actor.Cluster
	_ func(string) *actor.PID                              = actor.Members
	_ func(string) *actor.PID                              = actor.Topic
	_ func(actor.Context, error)                           = actor.Fail
	_ error                                                = (*actor.RemoteError)(nil)
	_ SubscribeOption                                      = Members(1)
	_                                                      = []error{actor.ErrNoMembers, actor.ErrOverloaded, actor.ErrUnreachable, actor.ErrTimeout, actor.ErrLost, actor.ErrClosed}

	_ func(*tunnels.Tunnel, context.Context, []byte) error   = (*tunnels.Tunnel).Send
	_ func(*tunnels.Tunnel, context.Context) ([]byte, error) = (*tunnels.Tunnel).Recv
	_ func(*tunnels.Tunnel) error                            = (*tunnels.Tunnel).CloseSend
	_ func(*tunnels.Tunnel) error                            = (*tunnels.Tunnel).Close
	_ func(*tunnels.Tunnel) io.ReadWriteCloser               = func(t *tunnels.Tunnel) io.ReadWriteCloser { return t.Stream() }
)
