package actor

import (
	"errors"
	"testing"
	"testing/synctest"
)

// Mailboxes that are full leave room for others, and give back what they held when their messages are handled
// or their actors stop.
func TestMailboxesShareTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSystem(Options{Mailboxes: 1 << 20})
		defer func() {
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		var over, relieved int
		s.Events().Subscribe(func(ev any) {
			switch ev := ev.(type) {
			case *Overloaded:
				if ev.What == "memory for mailboxes" {
					over++
				}
			case *Relieved:
				if ev.What == "memory for mailboxes" {
					relieved++
				}
			}
		})
		release := make(chan struct{})
		fill := func() (*PID, int) {
			pid := s.Spawn(Func(func(ctx Context) {
				if _, ok := ctx.Message().(Bytes); ok {
					<-release
				}
			}).MailboxBytes(1 << 20))
			for sent := 0; ; sent++ {
				err := s.Deliver(pid, &Inbound{Delivery: Delivery{Kind: Tell}, Message: Bytes("x"), Size: 1000})
				if errors.Is(err, ErrOverloaded) {
					return pid, sent
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		sum := 0
		var pids []*PID
		for i := range 12 {
			pid, n := fill()
			pids = append(pids, pid)
			sum += n
			if n < 8 || n > 1<<17/1000 {
				t.Errorf("mailbox %d took %d messages of 1000 bytes", i, n)
			}
		}
		if sum*1000 > 1<<20+len(pids)*(mailboxFree+1000) || s.mailboxes.Used() > 1<<20 {
			t.Errorf("%d messages were taken, %d bytes are counted", sum, s.mailboxes.Used())
		}
		synctest.Wait()
		if over != 1 || relieved != 0 {
			t.Errorf("Overloaded %d times, Relieved %d times", over, relieved)
		}
		stopped := make(chan error, 1)
		go func() { stopped <- s.Stop(t.Context(), pids[0]) }()
		synctest.Wait()
		close(release)
		err := <-stopped
		synctest.Wait()
		if err != nil || s.mailboxes.Used() != 0 || relieved != 1 {
			t.Errorf("%v; %d bytes are held by nobody, Relieved %d times", err, s.mailboxes.Used(), relieved)
		}
	})
}
