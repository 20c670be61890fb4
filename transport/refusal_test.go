package transport

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/transport/wire"
)

// A dialler that hangs up was not refused; whoever failed the handshake was.
func TestWhoHangsUpWasNotRefused(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	sys := actor.NewSystem(actor.Options{Node: "n", Logger: log})
	for name, tc := range map[string]struct {
		cause   error
		refused int
	}{
		"another link of the pair":    {&quic.ApplicationError{Remote: true, ErrorCode: quic.ApplicationErrorCode(wire.CodeDuplicate)}, 0},
		"the same, early":             {&quic.TransportError{Remote: true, ErrorCode: quic.ApplicationErrorErrorCode}, 0},
		"closed by this end":          {&quic.ApplicationError{ErrorCode: quic.ApplicationErrorCode(wire.CodeBusy)}, 1},
		"given up":                    {context.Canceled, 0},
		"another key":                 {&quic.TransportError{ErrorCode: 0x100 + 120}, 1},
		"no answer to the handshake":  {&quic.HandshakeTimeoutError{}, 1},
		"something that nobody knows": {errors.New("oops"), 1},
	} {
		e := &Endpoint{sys: sys, log: log, ctx: t.Context()}
		e.handshakeFailed("10.0.0.1:1", tc.cause)
		if got := len(e.refused.seen); got != tc.refused {
			t.Errorf("%s: %d refusals, want %d", name, got, tc.refused)
		}
	}
	if err := sys.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
