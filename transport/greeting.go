package transport

import (
	"context"
	"errors"
	"fmt"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// greetingsPerPeer bounds the connections of one peer that are in HELLO. A pair
// needs a link and a tunnel connection; a few more come from dialling several
// addresses at once.
const greetingsPerPeer = 8

var errHello = errors.New("no HELLO in time")

// greetings bounds accepted connections between the end of their TLS handshake,
// where the gate lets go of them, and the end of HELLO: a holder of the network
// key must not pile them up either. Guarded by the endpoint's mu.
type greetings struct {
	max   int
	open  int
	peers map[id.ID]int
}

func (g *greetings) enter(peer id.ID) error {
	if g.open >= g.max || g.peers[peer] >= greetingsPerPeer {
		return fmt.Errorf("%w: connections without HELLO", errBusy)
	}
	g.open++
	g.peers[peer]++
	return nil
}

func (g *greetings) leave(peer id.ID) {
	g.open--
	if g.peers[peer]--; g.peers[peer] == 0 {
		delete(g.peers, peer)
	}
}

// greet runs one end's half of HELLO on conn. When it takes too long, ctx ends
// or the endpoint closes, conn is closed, which ends whatever greet waits for.
func (e *Endpoint) greet(ctx context.Context, conn *quic.Conn, greet func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, helloTimeout, errHello)
	defer cancel()
	late := context.AfterFunc(ctx, func() {
		err := context.Cause(ctx)
		if e.ctx.Err() != nil {
			err = actor.ErrClosed
		}
		closeConn(conn, codeOf(err), err.Error())
	})
	defer late()
	err := greet(ctx)
	if err != nil && ctx.Err() != nil && e.ctx.Err() == nil {
		err = context.Cause(ctx)
	}
	return err
}

// codeOf is the close code for a handshake that failed with err.
func codeOf(err error) wire.Code {
	var proto *wire.ProtocolError
	switch {
	case errors.Is(err, errHello):
		return wire.CodeHelloTimeout
	case errors.Is(err, errDuplicate):
		return wire.CodeDuplicate
	case errors.Is(err, errVersion):
		return wire.CodeVersion
	case errors.Is(err, errFull), errors.Is(err, errBusy):
		return wire.CodeBusy
	case errors.Is(err, errSelf):
		return wire.CodeIdentity
	case errors.Is(err, actor.ErrClosed):
		return wire.CodeLeave
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return wire.CodeOK // whoever wanted the connection does not want it any more
	case errors.As(err, &proto):
		return wire.CodeProtocol
	}
	return wire.CodeInternal
}
