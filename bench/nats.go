package main

import (
	"crypto/tls"
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// natsServer is the broker, a process of its own.
type natsServer struct{ *server.Server }

func natsBroker(conf *tls.Config) (part, error) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, MaxPayload: 8 << 20,
		MaxPending: 512 << 20, // never cut off a subscriber for being slower than the publisher
		TLSConfig:  conf, TLSVerify: conf != nil, TLSTimeout: 5,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return nil, errors.New("the server does not take connections")
	}
	return natsServer{s}, nil
}

func (s natsServer) at() string { return s.Addr().String() }
func (s natsServer) close()     { s.Shutdown() }

// natsClient is the near and the far end.
type natsClient struct{ *nats.Conn }

func (c natsClient) at() string { return "" }
func (c natsClient) close()     { c.Close() }

func natsNear(at string, conf *tls.Config) (part, error) {
	var opts []nats.Option
	if conf != nil {
		opts = append(opts, nats.Secure(conf))
	}
	c, err := nats.Connect("nats://"+at, opts...)
	if err != nil {
		return nil, err
	}
	return natsClient{c}, nil
}

func natsFar(at string, conf *tls.Config, into *sink) (part, error) {
	p, err := natsNear(at, conf)
	if err != nil {
		return nil, err
	}
	c := p.(natsClient)
	sub, err := c.Subscribe("events", func(m *nats.Msg) { into.take(m.Data) })
	if err != nil {
		return nil, err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, err
	}
	if _, err := c.QueueSubscribe("echo", "echoes", func(m *nats.Msg) { _ = m.Respond(m.Data) }); err != nil {
		return nil, err
	}
	return c, c.Flush() // the server knows of both
}

func (c natsClient) publish(_ int, event []byte, count int64) error {
	for range count {
		if err := c.Publish("events", event); err != nil {
			return err
		}
	}
	return c.Flush()
}

func (c natsClient) asker() (func([]byte) error, error) {
	return func(msg []byte) error {
		_, err := c.Request("echo", msg, 5*time.Second)
		return err
	}, nil
}

func (natsClient) tunnel([]byte, int64, <-chan struct{}) error { return errors.ErrUnsupported }
