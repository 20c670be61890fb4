package sim

import (
	"iris/topics/reliable"
	"iris/topics/scribe"
)

// The kinds of messages of topics, for counting.
const (
	mailJoin = iota
	mailAck
	mailLeave
	mailReplica
	mailInvite
	mailPing // and its answer, to nodes named in a Redirect
	mailSync
	mailDigest
	mailPull
	mailEnter
	mailData // payload; all others are control messages
	mailKinds
)

var mailNames = [mailKinds]string{
	"tree join", "tree ack", "tree leave", "tree replica", "tree invite", "tree ping",
	"topic sync", "topic digest", "topic pull", "topic enter", "topic data",
}

func mailKind(msg any) int {
	switch msg.(type) {
	case *scribe.Join:
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
	case *reliable.Data:
		return mailData
	}
	return mailPing
}
