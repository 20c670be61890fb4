package actor

import "iris/internal/budget"

// Mailboxes share what Options.Mailboxes allows. One takes from it in small steps, because there are many, and holds
// nothing of it while it has little to do.
const (
	mailboxFree = 1 << 10 // bytes that every mailbox may hold beside the share
	mailboxStep = 4 << 10
)

// mailboxShare is what the mailboxes of s may hold together; nil if n is 0.
func mailboxShare(s *System, n int) *budget.Share {
	if n <= 0 {
		return nil
	}
	return budget.New(int64(n), func(over bool, refused uint64) {
		const what = "memory for mailboxes"
		if over {
			s.events.Publish(&Overloaded{What: what, Dropped: refused})
		} else {
			s.events.Publish(&Relieved{What: what, Dropped: refused})
		}
	})
}

// MailboxMemory returns how many bytes all mailboxes hold of what they share, and how many that may be, 0 if there is no bound.
// What a mailbox holds in its first KiB is not counted.
func (s *System) MailboxMemory() (used, limit int64) { return s.mailboxes.Used(), s.mailboxes.Limit() }

// allowance returns how many bytes may be queued now by somebody who would have them be want. Called under mu.
func (m *mailbox) allowance(want int64) int64 {
	limit := int64(m.cell.props.bytes)
	if m.cell.sys.mailboxes == nil {
		return limit
	}
	want = min(want, limit)
	if n := mailboxSteps(want) - m.granted; n > 0 && m.cell.sys.mailboxes.Take(int(m.granted), int(n)) {
		m.granted += n
	}
	return min(limit, mailboxFree+m.granted)
}

// settle gives back what the messages that are queued still do not need. Called under mu.
func (m *mailbox) settle() {
	if m.granted == 0 {
		return
	}
	_, bytes := split(m.load.Load())
	if n := m.granted - mailboxSteps(bytes); n > 0 {
		m.granted -= n
		m.cell.sys.mailboxes.Give(int(n))
	}
}

// mailboxSteps returns what a mailbox with n bytes holds of the share.
func mailboxSteps(n int64) int64 {
	return (max(n-mailboxFree, 0) + mailboxStep - 1) / mailboxStep * mailboxStep
}
