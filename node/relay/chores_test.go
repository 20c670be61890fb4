package relay

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
)

func fullChores(t *testing.T) *chores {
	t.Helper()
	q := new(chores)
	q.init()
	for range maxChores {
		if err := q.push(packet.Publish{Topic: "t"}); err != nil {
			t.Fatal(err)
		}
	}
	return q
}

// When nothing goes on the reader waits once, not for each packet; what may be lost is then,
// and nothing else, up to a bound.
func TestChoresThatAreStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fullChores(t)
		began := time.Now()
		for range 10 {
			if err := q.push(packet.Broadcast{Cluster: "c"}); !errors.Is(err, actor.ErrOverloaded) {
				t.Errorf("got %v", err)
			}
		}
		if d := time.Since(began); d != choreTimeout {
			t.Errorf("that took %v", d)
		}
		for range maxChores {
			if err := q.push(packet.Subscribe{Topic: "t"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.push(packet.Close{}); err != errChores {
			t.Errorf("got %v", err)
		}
		for range maxChores + 1 {
			q.pop()
		}
		if err := q.push(packet.Publish{Topic: "t"}); err != nil {
			t.Errorf("there is room again: %v", err)
		}
	})
}

// As long as some are done the reader waits, and nothing is lost.
func TestChoresThatAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fullChores(t)
		go func() {
			for range 10 {
				<-time.After(choreTimeout - time.Millisecond)
				q.pop()
			}
		}()
		began := time.Now()
		for range 10 {
			if err := q.push(packet.Publish{Topic: "t"}); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(began); d != 10*(choreTimeout-time.Millisecond) {
			t.Errorf("that took %v", d)
		}
	})
}
