package actor

import "testing"

// What a message costs on its way to its handler is no memory, be the actor busy (the mailbox alone) or idle (a worker
// of the dispatcher is woken for it).
func TestMessagesDoNotAllocate(t *testing.T) {
	s := newTestSystem(t)
	handled := make(chan struct{}, 1)
	pid := s.Spawn(Func(func(ctx Context) {
		switch ctx.Message() {
		case "ready":
			ctx.Respond("yes")
		case "wake":
			handled <- struct{}{}
		}
	}))
	var wake, busy any = "wake", 1
	s.Send(pid, nil, wake)
	<-handled
	if n := testing.AllocsPerRun(1000, func() {
		s.Send(pid, nil, wake)
		<-handled
	}); n != 0 {
		t.Errorf("an idle actor: %v allocations", n)
	}
	m := held(t, s, pid)
	if n := testing.AllocsPerRun(100, func() {
		for range 64 {
			if err := m.post(busy, false); err != nil {
				t.Error(err)
			}
		}
		m.turns()
	}); n != 0 {
		t.Errorf("a busy actor: %v allocations for 64 messages", n)
	}
	m.mu.Lock()
	m.running = false
	m.mu.Unlock()
}
