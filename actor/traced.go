package actor

// Traced is a message together with the trace it belongs to: an opaque text of at most 255 bytes that travels beside the
// message and that its handler sees in Meta. Send, Request and Ask take it in the place of the message. What a handler sends is
// part of the trace of what it is handling without that.
type Traced struct {
	Message any
	Trace   string
}

// Untraced returns what msg consists of.
func Untraced(msg any) (any, string) {
	if t, ok := msg.(*Traced); ok {
		return t.Message, t.Trace
	}
	return msg, ""
}

// withTrace returns msg as part of a trace, which may be empty.
func withTrace(msg any, trace string) any {
	if trace == "" {
		return msg
	}
	if _, ok := msg.(*Traced); ok {
		return msg
	}
	return &Traced{msg, trace}
}

// inbound is t in a mailbox of node. sender may be nil.
func (t *Traced) inbound(node string, sender *PID) *Inbound {
	in := &Inbound{Delivery: Delivery{Origin: node, Trace: t.Trace}, Message: t.Message, Size: int(sizeOf(t.Message)), From: node}
	switch {
	case sender == nil:
	case sender.Id == replyID:
		in.From, in.ReplyTo = sender.Address, sender.RequestId
	default:
		in.SenderID, in.SenderNode = sender.Id, sender.Address
	}
	return in
}

// SetTrace replaces the trace of the message that ctx is handling: what Meta tells, and what messages sent meanwhile belong
// to. For those who keep traces, such as package node/tracing; it holds until the handler returns.
func SetTrace(ctx Context, trace string) {
	if g, ok := ctx.(*guard); ok {
		g.cur.trace = trace
	}
}

// trace is that of the message being handled.
func (g *guard) trace() string {
	if g.cur.trace == "" && g.cur.in != nil {
		return g.cur.in.Trace
	}
	return g.cur.trace
}

// traced returns msg as part of what is being handled.
func (g *guard) traced(msg any) any { return withTrace(msg, g.trace()) }
