package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"iris/node/relay/packet"
)

// greetTimeout bounds the greeting unless the context of Dial ends before.
const greetTimeout = 10 * time.Second

// Dial attaches to a relay. It blocks until the relay has answered; ctx bounds
// that, not the connection. The errors are a *Denied, those of cfg and those of
// the network.
func Dial(ctx context.Context, cfg Config) (*Conn, error) {
	cfg, err := cfg.orDefault()
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	socket, err := d.DialContext(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, err
	}
	return Attach(ctx, socket, cfg)
}

// Attach is Dial on a connection that exists, which it owns from then on.
// Config.Addr is not used.
func Attach(ctx context.Context, socket net.Conn, cfg Config) (*Conn, error) {
	cfg, err := cfg.orDefault()
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	in := packet.NewReader(socket, packet.FromRelay, packet.Limits{Message: cfg.Message, Chunk: cfg.Message})
	if err := greet(ctx, socket, in, cfg); err != nil {
		_ = socket.Close() // the error says more
		return nil, err
	}
	c := newConn(socket, cfg)
	c.start(in)
	return c, nil
}

// greet exchanges the first packets.
func greet(ctx context.Context, socket net.Conn, in *packet.Reader, cfg Config) error {
	if err := socket.SetDeadline(time.Now().Add(greetTimeout)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = socket.SetDeadline(time.Unix(1, 0)) })
	welcome, err := func() (packet.Packet, error) {
		var hello []byte
		if cfg.Token != "" {
			hello = fmt.Appendf(hello, "iris-token %s\n", cfg.Token)
		}
		if _, err := socket.Write(packet.Append(hello, packet.Init{Version: packet.Version, Cluster: cfg.Cluster})); err != nil {
			return nil, err
		}
		return in.Next()
	}()
	if !stop() {
		return fmt.Errorf("greeting: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	if deny, ok := welcome.(packet.Deny); ok {
		return &Denied{deny.Reason}
	}
	return socket.SetDeadline(time.Time{})
}
