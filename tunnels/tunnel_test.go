package tunnels

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/transport/wire"
	"iris/tunnels/flow"
)

func TestMessagesBothWays(t *testing.T) {
	a, b := newPair(t, Config{})
	for _, msg := range []string{"one", "", "three", strings.Repeat("x", chunkSize), strings.Repeat("y", 200_000)} {
		mustSend(t, a, msg)
		wantRecv(t, b, msg)
		mustSend(t, b, msg)
		wantRecv(t, a, msg)
	}
}

func TestMessagesKeepTheirOrderAndTheirBounds(t *testing.T) {
	a, b := newPair(t, Config{})
	for _, msg := range []string{"a", "", "", "bb", "ccc"} {
		mustSend(t, a, msg)
	}
	for _, msg := range []string{"a", "", "", "bb", "ccc"} {
		wantRecv(t, b, msg)
	}
}

func TestMessageLargerThanTheWindow(t *testing.T) {
	a, b := newPair(t, Config{Window: 64 << 10})
	msg := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	sent := make(chan error, 1)
	go func() { sent <- a.Send(context.Background(), msg) }()
	got, err := b.Recv(context.Background())
	if err != nil || !bytes.Equal(got, msg) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func TestReceivedMessageIsTheCallersOwn(t *testing.T) {
	a, b := newPair(t, Config{})
	mustSend(t, a, "first")
	got, _ := b.Recv(context.Background())
	mustSend(t, a, "other")
	wantRecv(t, b, "other")
	if string(got) != "first" {
		t.Fatalf("an earlier message changed to %q", got)
	}
}

func TestSenderBlocksUntilTheApplicationReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPair(t, Config{Window: 64 << 10})
		msg := strings.Repeat("m", 1000)
		sent := 0
		for {
			err := a.Send(timeout(t, time.Second), []byte(msg))
			if err != nil {
				wantErr(t, err, actor.ErrTimeout, context.DeadlineExceeded)
				break
			}
			sent++
		}
		if want := (64 << 10) / int(flow.Cost(len(msg))); sent != want {
			t.Fatalf("%d messages fitted, want %d", sent, want)
		}
		for range sent {
			wantRecv(t, b, msg)
		}
		mustSend(t, a, "again") // a Send that gave up left nothing behind
		wantRecv(t, b, "again")
	})
}

func TestStallIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPair(t, Config{Window: 8 << 10})
		fill := func() {
			for a.Send(timeout(t, time.Millisecond), make([]byte, 1000)) == nil {
			}
		}
		stalls := func() int { n, _, _ := a.counts(); return n }
		fill()
		_ = a.Send(timeout(t, 3*time.Second), make([]byte, 1000))
		if stalls() != 0 {
			t.Fatal("reported before 5 s")
		}
		// The same stall goes on although the senders change.
		_ = a.Send(timeout(t, 3*time.Second), make([]byte, 1000))
		_ = a.Send(timeout(t, time.Minute), make([]byte, 1000))
		if stalls() != 1 {
			t.Fatalf("%d reports of one stall", stalls())
		}
		for range 4 {
			if _, err := b.Recv(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		fill()
		_ = a.Send(timeout(t, time.Minute), make([]byte, 1000))
		if stalls() != 2 {
			t.Fatalf("%d reports after a second stall", stalls())
		}
	})
}

func TestSendCancelledBetweenMessagesKeepsTheTunnel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPair(t, Config{Window: 64 << 10})
		big := strings.Repeat("b", 15<<10) // below a quarter of the window
		n := 0
		for a.Send(timeout(t, time.Second), []byte(big)) == nil {
			n++
		}
		for range n {
			wantRecv(t, b, big)
		}
		mustSend(t, a, "whole")
		wantRecv(t, b, "whole")
	})
}

func TestSendCancelledInsideAMessageAborts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPair(t, Config{Window: 64 << 10})
		mustSend(t, a, "before")
		err := a.Send(timeout(t, time.Second), make([]byte, 1<<20))
		wantErr(t, err, actor.ErrTimeout, ErrSendCancelled)
		wantErr(t, a.Send(context.Background(), nil), actor.ErrClosed, ErrSendCancelled)
		for {
			msg, err := b.Recv(context.Background())
			if err != nil {
				wantErr(t, err, actor.ErrClosed)
				if !strings.Contains(err.Error(), ErrSendCancelled.Error()) {
					t.Fatalf("no reason in %q", err)
				}
				break
			}
			if string(msg) != "before" {
				t.Fatalf("half a message of %d bytes was delivered as a whole one", len(msg))
			}
		}
	})
}

func TestSendWithAnEndedContextSendsNothing(t *testing.T) {
	a, b := newPair(t, Config{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wantErr(t, a.Send(ctx, []byte("no")), context.Canceled)
	mustSend(t, a, "yes")
	wantRecv(t, b, "yes")
}

func TestRecvCancelledLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, p := newRaw(t, Config{}, 1<<20)
		if _, err := a.Recv(timeout(t, time.Second)); !errors.Is(err, actor.ErrTimeout) {
			t.Fatal(err)
		}
		p.send(&wire.TunnelData{More: true, Data: []byte("first half, ")})
		if _, err := a.Recv(timeout(t, time.Second)); !errors.Is(err, actor.ErrTimeout) {
			t.Fatal(err)
		}
		p.send(&wire.TunnelData{Data: []byte("second half")}, &wire.TunnelData{Data: []byte("next")})
		wantRecv(t, a, "first half, second half")
		wantRecv(t, a, "next")
	})
}

func TestRecvLimitSkipsTheMessageAndGoesOn(t *testing.T) {
	a, b := newPair(t, Config{Window: 32 << 10, MaxMessage: 100_000})
	sent := make(chan error, 1)
	go func() {
		var errs []error
		for _, n := range []int{10, 100_000, 100_001, 1_000_000, 20} {
			errs = append(errs, a.Send(context.Background(), make([]byte, n)))
		}
		sent <- errors.Join(errs...)
	}()
	for _, want := range []int{10, 100_000, -1, -1, 20} {
		msg, err := b.Recv(context.Background())
		if want < 0 {
			wantErr(t, err, ErrMessageTooLarge)
		} else if err != nil || len(msg) != want {
			t.Fatalf("got %d bytes, %v; want %d", len(msg), err, want)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentSendersDoNotMixMessages(t *testing.T) {
	a, b := newPair(t, Config{Window: 32 << 10})
	const senders, each = 8, 50
	for s := range senders {
		go func() {
			for i := range each {
				if err := a.Send(context.Background(), bytes.Repeat([]byte{byte(s)}, i*700)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	next := make([]int, senders)
	got := 0
	for got < senders*(each-1) { // the empty ones tell nothing
		msg, err := b.Recv(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if len(msg) == 0 {
			continue
		}
		s := msg[0]
		if next[s]++; len(msg) != next[s]*700 || bytes.Count(msg, msg[:1]) != len(msg) {
			t.Fatalf("message %d of sender %d has %d bytes", next[s], s, len(msg))
		}
		got++
	}
}

func TestByteView(t *testing.T) {
	a, b := newPair(t, Config{Window: 64 << 10})
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(i * 7 / 3)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s := a.Stream()
		if n, err := s.Write(data); n != len(data) || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	got, err := io.ReadAll(b.Stream())
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	<-closed
}

func TestByteViewWriteTo(t *testing.T) {
	a, b := newPair(t, Config{})
	data := bytes.Repeat([]byte("abcdefg"), 300_000)
	go func() {
		_, _ = a.Stream().Write(data)
		_ = a.CloseSend()
	}()
	var got bytes.Buffer
	if n, err := io.Copy(&got, b.Stream()); err != nil || int(n) != len(data) || !bytes.Equal(got.Bytes(), data) {
		t.Fatalf("copied %d bytes, %v", n, err)
	}
}

func TestByteViewOverMessages(t *testing.T) {
	a, b := newPair(t, Config{})
	for _, m := range []string{"abc", "", "def", "gh"} {
		mustSend(t, a, m)
	}
	p := make([]byte, 2)
	if n, err := io.ReadFull(b.Stream(), p); err != nil || string(p[:n]) != "ab" {
		t.Fatalf("%q %v", p[:n], err)
	}
	if _, err := b.Recv(context.Background()); !errors.Is(err, ErrMidMessage) {
		t.Fatalf("Recv inside a message: %v", err)
	}
	if _, err := io.ReadFull(b.Stream(), p[:1]); err != nil {
		t.Fatal(err)
	}
	wantRecv(t, b, "")
	wantRecv(t, b, "def")
	wantRecv(t, b, "gh")
}

// 64 MiB through a tunnel must not need more than its windows.
func TestIdleTunnelHoldsNoSegments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPair(t, Config{})
		for range 100 {
			mustSend(t, a, strings.Repeat("k", 50_000))
			wantRecv(t, b, strings.Repeat("k", 50_000))
		}
		synctest.Wait()
		b.in.mu.Lock()
		defer b.in.mu.Unlock()
		if n := b.in.store.segs.len(); n != 0 {
			t.Errorf("an idle inbox holds %d segments", n)
		}
		a.out.mu.Lock()
		defer a.out.mu.Unlock()
		if a.out.buf != nil || a.out.writing {
			t.Error("an idle outbox holds a buffer or a writer")
		}
	})
}
