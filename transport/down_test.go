package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/quic-go/quic-go"

	"iris/transport/wire"
)

// What ended a connection, in the terms that the owner judges by.
func TestExplain(t *testing.T) {
	for name, c := range map[string]struct {
		err               error
		code              wire.Code
		remote, restarted bool
	}{
		"no reason":                   {nil, wire.CodeInternal, false, false},
		"the peer leaves":             {&quic.ApplicationError{Remote: true, ErrorCode: 1, ErrorMessage: "bye"}, wire.CodeLeave, true, false},
		"we closed":                   {&quic.ApplicationError{ErrorCode: 9}, wire.CodeDead, false, false},
		"wrapped":                     {fmt.Errorf("write: %w", &quic.ApplicationError{Remote: true, ErrorCode: 4}), wire.CodeAbuse, true, false},
		"a code that we do not know":  {&quic.ApplicationError{Remote: true, ErrorCode: 1 << 40}, 0xffff, true, false},
		"stateless reset":             {&quic.StatelessResetError{}, wire.CodeInternal, true, true},
		"silence":                     {&quic.IdleTimeoutError{}, wire.CodeStuck, false, false},
		"an unfinished frame":         {errSilentFrame, wire.CodeStuck, false, false},
		"the peer reset a lane":       {&quic.StreamError{Remote: true, ErrorCode: 10}, wire.CodeInternal, true, false},
		"the peer breaks QUIC":        {&quic.TransportError{ErrorCode: quic.StreamLimitError}, wire.CodeProtocol, false, false},
		"the peer says that we do":    {&quic.TransportError{ErrorCode: quic.FlowControlError, Remote: true}, wire.CodeInternal, true, false},
		"QUIC fails here":             {&quic.TransportError{ErrorCode: quic.InternalError}, wire.CodeInternal, false, false},
		"QUIC ends here":              {&quic.TransportError{ErrorCode: quic.NoError}, wire.CodeInternal, false, false},
		"the network is unreachable":  {&net.OpError{Op: "write", Err: syscall.ENETUNREACH}, wire.CodeInternal, false, false},
		"the socket is gone":          {quic.ErrTransportClosed, wire.CodeInternal, false, false},
		"a stream ends too early":     {io.ErrUnexpectedEOF, wire.CodeInternal, false, false},
		"nobody wanted it any more":   {context.Canceled, wire.CodeInternal, false, false},
		"a lane that would not open ": {context.DeadlineExceeded, wire.CodeInternal, false, false},
	} {
		d := explain(c.err)
		if d.Code != c.code || d.Remote != c.remote || d.Restarted != c.restarted || d.Reason == "" {
			t.Errorf("%s: %v %q, remote %v, restarted %v; want %v, %v, %v", name, d.Code, d.Reason, d.Remote, d.Restarted, c.code, c.remote, c.restarted)
		}
	}
}

// What a handshake failed with, in the terms that the peer hears.
func TestCodeOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want wire.Code
	}{
		{errHello, wire.CodeHelloTimeout},
		{errDuplicate, wire.CodeDuplicate},
		{fmt.Errorf("%w: ours 1, theirs 2", errVersion), wire.CodeVersion},
		{errFull, wire.CodeBusy},
		{errBusy, wire.CodeBusy},
		{errSelf, wire.CodeIdentity},
		{&wire.ProtocolError{Reason: "x"}, wire.CodeProtocol},
		{context.Canceled, wire.CodeOK},
		{errors.New("anything"), wire.CodeInternal},
	} {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}
