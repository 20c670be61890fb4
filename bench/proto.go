package main

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// protoSystem is an actor system of Proto.Actor with its remoting.
type protoSystem struct {
	*actor.ActorSystem
	remote *remote.Remote
	events *actor.PID // at the far end, as the near one sees it
	echo   *actor.PID
}

// largest bounds a batch of 1 000 messages of 64 KiB, which gRPC refuses by default.
const largest = 256 << 20

func startProto(conf *tls.Config) *protoSystem {
	inside := insecure.NewCredentials()
	if conf != nil {
		inside = credentials.NewTLS(conf)
	}
	sys := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(io.Discard, nil))
	}))
	r := remote.NewRemote(sys, remote.Configure("127.0.0.1", 0,
		remote.WithServerOptions(grpc.Creds(inside), grpc.MaxRecvMsgSize(largest)),
		remote.WithDialOptions(grpc.WithTransportCredentials(inside), grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(largest))),
	))
	r.Start()
	return &protoSystem{ActorSystem: sys, remote: r}
}

func (s *protoSystem) at() string { return s.Address() }
func (s *protoSystem) close()     { s.remote.Shutdown(false) }

func protoFar(conf *tls.Config, into *sink) (part, error) {
	s := startProto(conf)
	_, err := s.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*wrapperspb.BytesValue); ok {
			into.take(m.Value)
		}
	}), "events")
	if err != nil {
		return nil, err
	}
	_, err = s.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*wrapperspb.BytesValue); ok {
			ctx.Respond(m)
		}
	}), "echo")
	return s, err
}

func protoNear(at string, conf *tls.Config) (part, error) {
	s := startProto(conf)
	s.events, s.echo = actor.NewPID(at, "events"), actor.NewPID(at, "echo")
	return s, nil
}

func (s *protoSystem) publish(_ int, event []byte, count int64) error {
	m := &wrapperspb.BytesValue{Value: event}
	for range count {
		s.Root.Send(s.events, m)
	}
	return nil
}

func (s *protoSystem) asker() (func([]byte) error, error) {
	return func(msg []byte) error {
		_, err := s.Root.RequestFuture(s.echo, &wrapperspb.BytesValue{Value: msg}, 5*time.Second).Result()
		return err
	}, nil
}

func (*protoSystem) tunnel([]byte, int64, <-chan struct{}) error { return errors.ErrUnsupported }
