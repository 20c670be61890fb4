package tunnels

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
)

func TestCloseSendIsHalf(t *testing.T) {
	a, b := newPair(t, Config{})
	mustSend(t, a, "last")
	if err := a.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseSend(); err != nil {
		t.Fatalf("second CloseSend: %v", err)
	}
	wantErr(t, a.Send(context.Background(), []byte("more")), actor.ErrClosed)
	wantRecv(t, b, "last")
	wantEOF(t, b)
	wantEOF(t, b)
	mustSend(t, b, "answer")
	wantRecv(t, a, "answer")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wantEOF(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseDeliversWhatWasSent(t *testing.T) {
	a, b := newPair(t, Config{})
	want := strings.Repeat("z", 300_000)
	mustSend(t, a, want)
	mustSend(t, a, "tail")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatalf("second Close: %v", err)
	}
	wantRecv(t, b, want)
	wantRecv(t, b, "tail")
	wantEOF(t, b)
	err := b.Send(context.Background(), []byte("too late"))
	wantErr(t, err, actor.ErrClosed)
	var e *Error
	if !errors.As(err, &e) || !e.Remote {
		t.Fatalf("%v does not say that the other end closed", err)
	}
	if _, err := a.Recv(context.Background()); !errors.Is(err, actor.ErrClosed) {
		t.Fatalf("Recv after Close: %v", err)
	}
}

func TestCloseUnblocksTheOtherSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPair(t, Config{Window: 8 << 10})
		sent := make(chan error, 1)
		go func() { sent <- b.Send(context.Background(), make([]byte, 1<<20)) }()
		synctest.Wait()
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		wantErr(t, <-sent, actor.ErrClosed)
		wantEOF(t, b)
	})
}

func TestCloseByBoth(t *testing.T) {
	a, b := newPair(t, Config{})
	mustSend(t, a, "to b")
	mustSend(t, b, "to a")
	errs := make(chan error, 2)
	go func() { errs <- a.Close() }()
	go func() { errs <- b.Close() }()
	for range 2 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// A peer that never ends its half must not hold up Close for ever.
func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := newPipe()
		a := newEnd(t, x, nodeB, Config{CloseTimeout: 3 * time.Second}, 1<<20)
		go func() { _, _ = io.Copy(io.Discard, y) }()
		start := time.Now()
		wantErr(t, a.Close(), actor.ErrTimeout)
		if took := time.Since(start); took != 3*time.Second {
			t.Fatalf("took %v", took)
		}
		wantErr(t, a.Close(), actor.ErrClosed, actor.ErrTimeout)
		giveUp(y, 0)
		stop(a)
	})
}

func TestAbortIsSeenAtBothEndsWithItsReason(t *testing.T) {
	a, b := newPair(t, Config{})
	mustSend(t, a, "not delivered or delivered")
	received := make(chan error, 1)
	go func() {
		for {
			if _, err := b.Recv(context.Background()); err != nil {
				received <- err
				return
			}
		}
	}()
	reason := errors.New("disk full")
	a.Abort(reason)
	a.Abort(errors.New("a second reason"))
	err := <-received
	wantErr(t, err, actor.ErrClosed)
	if !strings.Contains(err.Error(), "disk full") || !strings.Contains(err.Error(), nodeA.Short()) {
		t.Fatalf("%q does not tell who and why", err)
	}
	wantErr(t, b.Send(context.Background(), []byte("x")), actor.ErrClosed)
	wantErr(t, b.CloseSend(), actor.ErrClosed)
	wantErr(t, b.Close(), actor.ErrClosed)
	for _, err := range []error{
		a.Send(context.Background(), nil), a.CloseSend(), a.Close(),
		func() error { _, err := a.Recv(context.Background()); return err }(),
		func() error { _, err := a.Stream().Read(make([]byte, 1)); return err }(),
		func() error { _, err := a.Stream().Write(make([]byte, 1)); return err }(),
	} {
		wantErr(t, err, actor.ErrClosed, reason)
	}
}

// Who has heard of the end by Recv sends nothing any more, however soon.
func TestNobodySendsAfterHearingOfTheEnd(t *testing.T) {
	for range 300 {
		a, b := newPair(t, Config{})
		sent := make(chan error, 1)
		go func() {
			_, _ = b.Recv(context.Background()) // fails when a ends
			sent <- b.Send(context.Background(), []byte("x"))
		}()
		a.Abort(errTestOver)
		wantErr(t, <-sent, actor.ErrClosed)
	}
}

func TestAbortWakesASenderWithoutCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPair(t, Config{Window: 8 << 10})
		sent := make(chan error, 1)
		go func() { sent <- a.Send(context.Background(), make([]byte, 1<<20)) }()
		synctest.Wait()
		b.Abort(errors.New("enough"))
		err := <-sent
		wantErr(t, err, actor.ErrClosed)
		if !strings.Contains(err.Error(), "enough") {
			t.Fatalf("no reason in %q", err)
		}
	})
}

func TestReasonIsBoundedOnTheWire(t *testing.T) {
	a, b := newPair(t, Config{})
	a.Abort(errors.New(strings.Repeat("ä", 5000) + "\xff"))
	_, err := b.Recv(context.Background())
	wantErr(t, err, actor.ErrClosed)
	var e *Error
	if errors.As(err, &e); len(e.Reason) > maxReason {
		t.Fatalf("a reason of %d bytes came through", len(e.Reason))
	}
}

func TestLostLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := newPipe()
		a, b := newPairOver(t, x, y, Config{Window: 8 << 10})
		mustSend(t, a, "arrived")
		synctest.Wait()
		sent := make(chan error, 1)
		go func() { sent <- a.Send(context.Background(), make([]byte, 1<<20)) }()
		synctest.Wait()
		// The connection goes: both halves fail at both ends.
		for _, s := range []Stream{x, y} {
			giveUp(s, 0)
		}
		err := <-sent
		wantErr(t, err, actor.ErrLost, actor.ErrClosed)
		if !strings.Contains(err.Error(), nodeB.Short()) {
			t.Fatalf("%q does not name the link", err)
		}
		wantRecv(t, b, "arrived") // what came whole is not lost
		_, err = b.Recv(context.Background())
		wantErr(t, err, actor.ErrLost, actor.ErrClosed)
		if !strings.Contains(err.Error(), nodeA.Short()) {
			t.Fatalf("%q does not name the link", err)
		}
	})
}
