package sim

import (
	"fmt"

	"iris/topics/reliable"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// The kinds of messages of topics, for counting.
const (
	mailJoin = iota
	mailRefresh
	mailAck
	mailLeave
	mailReplica
	mailInvite
	mailSync
	mailDigest
	mailPull
	mailEnter
	mailGroup // of member lists
	mailData  // payload; all others are control messages
	mailCall  // payload, too: requests and their answers
	mailKinds
)

var mailNames = [mailKinds]string{
	"tree join", "tree refresh", "tree ack", "tree leave", "tree replica", "tree invite",
	"topic sync", "topic digest", "topic pull", "topic enter", "list", "topic data", "request",
}

func mailKind(msg any) int {
	switch m := msg.(type) {
	case *scribe.Join:
		if m.Kind == scribe.Refresh {
			return mailRefresh
		}
		return mailJoin
	case *scribe.Ack:
		return mailAck
	case *scribe.Leave:
		return mailLeave
	case *scribe.Replica:
		return mailReplica
	case *scribe.Invite:
		return mailInvite
	case *reliable.Sync:
		return mailSync
	case *reliable.Digest:
		return mailDigest
	case *reliable.Pull:
		return mailPull
	case *reliable.Enter:
		return mailEnter
	case *reliable.Data, *tidings:
		return mailData
	case *call:
		return mailCall
	}
	return mailGroup
}

// encode sends a message through the wire format and back.
func (f *forest) encode(p parcel) any {
	var g wire.Group
	if p.stripe >= toData {
		g = f.topics[p.topic].group
	}
	out, err := p.msg, error(nil)
	switch m := p.msg.(type) {
	case scribe.Message:
		frame, e := f.w.codec.frame(scribe.Frame(g, int(p.stripe), m))
		stripe := -1
		if err = e; err == nil {
			out, stripe, err = scribe.Parse(frame)
		}
		if err == nil && stripe != int(p.stripe) {
			err = fmt.Errorf("stripe %d instead of %d", stripe, p.stripe)
		}
	case wire.Frame: // the machines keep it: nothing is to be used again
		out, err = newCodec(f.w.book).frame(m)
	case reliable.Message:
		frame, e := f.w.codec.frame(reliable.Frame(g, m))
		if err = e; err == nil {
			out, err = reliable.Parse(frame)
		}
	}
	if err != nil {
		f.w.fail("%s at %v: %w", mailNames[mailKind(p.msg)], f.w.now, err)
	}
	return out
}
