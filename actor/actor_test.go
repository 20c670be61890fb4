package actor

import "testing"

func TestPropsAreCopiedBySpawning(t *testing.T) {
	s := newTestSystem(t)
	p := echo().Mailbox(7)
	pid := s.Spawn(p)
	p.Mailbox(1).MailboxBytes(1).DefaultLimits(2, 2)
	c := s.local(pid)
	if c.props.messages != 7 || c.props.bytes != DefaultMailboxBytes {
		t.Errorf("limits %d, %d", c.props.messages, c.props.bytes)
	}
	if q := echo().Clone().DefaultLimits(3, 4); q.messages != 3 || q.bytes != 4 {
		t.Errorf("limits %d, %d", q.messages, q.bytes)
	}
}
