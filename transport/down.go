package transport

import (
	"errors"
	"strings"

	"github.com/quic-go/quic-go"

	"iris/internal/id"
	"iris/transport/wire"
)

// Messages to the owner of an Endpoint.
type (
	// LinkUp says that frames can be exchanged with a peer.
	LinkUp struct{ Link *Link }

	// LinkDown says that a link has ended; each link that was up is followed by
	// exactly one. Another link to the same peer may be up by then. Whoever waited here for
	// replies of the peer, or watched its actors, has been told, unless Code is wire.CodeOK.
	LinkDown struct {
		Link   *Link
		Code   wire.Code // why, in the protocol's terms
		Reason string    // why, for people
		Remote bool      // the peer closed it
		// Restarted means that the peer's address answered with a stateless reset:
		// the process of this link is gone, another one may live there.
		Restarted bool
	}

	// Dialed says that Peer answers at Addr, the address as it was dialled. There is
	// a link, or one is about to come up: this dial's or another one.
	Dialed struct {
		Addr string
		Peer id.ID
	}

	// DialFailed says that a dial did not lead to a link.
	DialFailed struct {
		Addr string
		Peer id.ID // zero when unknown
		Err  error
	}

	linkEnded struct{} // to a link's actor: its link has ended
)

// explain turns the error that ended a connection into the reason for it.
func explain(err error) LinkDown {
	switch {
	case err == nil:
		return LinkDown{Code: wire.CodeInternal, Reason: "ended without a reason"}
	case errors.Is(err, errSilentFrame):
		return LinkDown{Code: wire.CodeStuck, Reason: err.Error()}
	}
	if e, ok := errors.AsType[*quic.ApplicationError](err); ok {
		code := wire.Code(min(e.ErrorCode, 0xffff))
		reason := code.String()
		if e.ErrorMessage != "" {
			reason += ": " + strings.ToValidUTF8(e.ErrorMessage, "?")
		}
		return LinkDown{Code: code, Reason: reason, Remote: e.Remote}
	}
	if _, ok := errors.AsType[*quic.StatelessResetError](err); ok {
		return LinkDown{Code: wire.CodeInternal, Reason: "the peer's process is gone (stateless reset)", Remote: true, Restarted: true}
	}
	if _, ok := errors.AsType[*quic.IdleTimeoutError](err); ok {
		return LinkDown{Code: wire.CodeStuck, Reason: "nothing heard (idle timeout)"}
	}
	if e, ok := errors.AsType[*quic.TransportError](err); ok {
		down := LinkDown{Code: wire.CodeInternal, Reason: e.Error(), Remote: e.Remote}
		if !e.Remote && e.ErrorCode != quic.NoError && e.ErrorCode != quic.InternalError {
			down.Code = wire.CodeProtocol // we found the peer to break the rules of QUIC
		}
		return down
	}
	if e, ok := errors.AsType[*quic.StreamError](err); ok {
		return LinkDown{Code: wire.Code(min(e.ErrorCode, 0xffff)), Reason: "stream reset: " + e.Error(), Remote: e.Remote}
	}
	return LinkDown{Code: wire.CodeInternal, Reason: err.Error()}
}
