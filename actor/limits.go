package actor

// Clone returns a copy that may be changed by itself.
func (p *Props) Clone() *Props { c := *p; return &c }

// DefaultLimits bounds the mailbox where Mailbox and MailboxBytes have not.
func (p *Props) DefaultLimits(messages, bytes int) *Props {
	if p.messages == DefaultMailbox {
		p.Mailbox(messages)
	}
	if p.bytes == DefaultMailboxBytes {
		p.MailboxBytes(bytes)
	}
	return p
}
