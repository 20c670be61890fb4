package tunnels

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

func TestOpenReachesAMember(t *testing.T) {
	for _, local := range []bool{false, true} {
		t.Run(fmt.Sprintf("local=%v", local), func(t *testing.T) {
			a, b := bothNodes(t, Config{})
			if local {
				a.pick(nodeA)
				b = a
			}
			b.member(t, "echo", echo)
			tunnel := mustOpen(t, a, "echo")
			opened := awaitEvent[*actor.TunnelOpened](t, a)
			if opened.Cluster != "echo" || opened.Tunnel == "" {
				t.Fatalf("%+v", opened)
			}
			ctx := timeout(t, time.Minute)
			for _, n := range []int{0, 1, 100, 3 << 20} {
				msg := bytes.Repeat([]byte("e"), n)
				sent := make(chan error, 1)
				go func() { sent <- tunnel.Send(ctx, msg) }()
				got, err := tunnel.Recv(ctx)
				if err != nil || !bytes.Equal(got, msg) {
					t.Fatalf("%d bytes, %v", len(got), err)
				}
				if err := <-sent; err != nil {
					t.Fatal(err)
				}
			}
			if err := tunnel.CloseSend(); err != nil {
				t.Fatal(err)
			}
			if _, err := tunnel.Recv(ctx); err != io.EOF {
				t.Fatal(err)
			}
			if err := tunnel.Close(); err != nil {
				t.Fatal(err)
			}
			closed := awaitEvent[*actor.TunnelClosed](t, a)
			if closed.Sent != 3<<20+101 || closed.Received != closed.Sent || closed.Reason != "closed" {
				t.Fatalf("%+v", closed)
			}
			if out := a.outcomes(); len(out) != 1 || out[0] != nil {
				t.Fatalf("outcomes %v", out)
			}
		})
	}
}

func TestOpenRefused(t *testing.T) {
	m := newNet(t)
	a, b := m.node(t, nodeA, Config{}), m.node(t, nodeB, Config{MaxPerPeer: 2})
	nodeC := id.ID{Hi: 0xcc, Lo: 3}
	c := m.node(t, nodeC, Config{})
	ctx := timeout(t, time.Minute)

	_, err := a.Open(ctx, "nobody")
	wantErr(t, err, actor.ErrNoMembers)
	a.pick(nodeB)
	_, err = a.Open(ctx, "nobody")
	wantErr(t, err, actor.ErrNoMembers)
	a.pick(id.ID{Hi: 9})
	_, err = a.Open(ctx, "nobody")
	wantErr(t, err, actor.ErrUnreachable)
	if _, err = a.Open(ctx, "bad\nname"); !errors.Is(err, wire.ErrInvalid) {
		t.Fatal(err)
	}

	// Refused by one, served by another.
	c.member(t, "late", echo)
	a.pick(nodeB, nodeC)
	mustOpen(t, a, "late").Abort(nil)
	// But only one other.
	a.pick(nodeB, id.ID{Hi: 9}, nodeC)
	_, err = a.Open(ctx, "late")
	wantErr(t, err, actor.ErrUnreachable)

	// The limit of a peer.
	b.member(t, "busy", echo)
	a.pick(nodeB)
	first := mustOpen(t, a, "busy")
	mustOpen(t, a, "busy")
	_, err = a.Open(ctx, "busy")
	wantErr(t, err, actor.ErrOverloaded)
	first.Abort(nil)
	<-first.Done()
	for { // its place is free once the other end knows
		if _, err = a.Open(ctx, "busy"); err == nil {
			break
		}
		wantErr(t, err, actor.ErrOverloaded)
	}
}

func TestOpenTimesOut(t *testing.T) {
	m := newNet(t)
	a := m.node(t, nodeA, Config{OpenTimeout: 50 * time.Millisecond})
	m.mu.Lock()
	m.nodes[nodeB] = &memoryEndpoint{net: m, id: nodeB, handler: func(_ id.ID, s Stream) { _, _ = io.Copy(io.Discard, s) }}
	m.mu.Unlock()
	a.pick(nodeB)
	_, err := a.Open(context.Background(), "deaf")
	wantErr(t, err, actor.ErrTimeout)
}

func TestMemberThatStopsAbortsItsTunnels(t *testing.T) {
	a, b := bothNodes(t, Config{})
	tunnels, receive := take()
	pid := b.member(t, "m", receive)
	tunnel := mustOpen(t, a, "m")
	<-tunnels
	if err := b.system.Stop(timeout(t, time.Minute), pid); err != nil {
		t.Fatal(err)
	}
	_, err := tunnel.Recv(timeout(t, time.Minute))
	wantErr(t, err, actor.ErrClosed)
	var e *Error
	if !errors.As(err, &e) || e.Reason != errHandlerStopped.Error() {
		t.Fatal(err)
	}
	if c := awaitEvent[*actor.TunnelClosed](t, b); c.Reason == "" {
		t.Fatalf("%+v", c)
	}
}

func TestMemberThatRestartsKeepsItsTunnels(t *testing.T) {
	a, b := bothNodes(t, Config{})
	tunnels, receive := take()
	pid := b.member(t, "m", func(ctx actor.Context) {
		if s, ok := ctx.Message().(string); ok {
			panic(s)
		}
		receive(ctx)
	})
	tunnel := mustOpen(t, a, "m")
	far := <-tunnels
	b.system.Send(pid, nil, "fail")
	awaitEvent[*actor.HandlerFailed](t, b)
	another := mustOpen(t, a, "m") // served by the next incarnation
	<-tunnels
	ctx := timeout(t, time.Minute)
	if err := tunnel.Send(ctx, []byte("still")); err != nil {
		t.Fatal(err)
	}
	if msg, err := far.Recv(ctx); err != nil || string(msg) != "still" {
		t.Fatalf("%q %v", msg, err)
	}
	tunnel.Abort(nil)
	another.Abort(nil)
}

func TestIncomingThatNobodyTakesIsAborted(t *testing.T) {
	a, b := bothNodes(t, Config{})
	began, release := make(chan struct{}), make(chan struct{})
	pid := b.member(t, "m", func(ctx actor.Context) {
		if _, ok := ctx.Message().(string); ok {
			close(began)
			<-release
		}
	})
	b.system.Send(pid, nil, "block")
	<-began
	tunnel := mustOpen(t, a, "m")
	stopped := make(chan error, 1)
	go func() { stopped <- b.system.Stop(timeout(t, time.Minute), pid) }()
	close(release)
	_, err := tunnel.Recv(timeout(t, time.Minute))
	wantErr(t, err, actor.ErrClosed)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

func TestCloseOfANodeAbortsWithItsReason(t *testing.T) {
	a, b := bothNodes(t, Config{})
	tunnels, receive := take()
	b.member(t, "m", receive)
	tunnel := mustOpen(t, a, "m")
	far := <-tunnels
	ctx := timeout(t, time.Minute)
	if err := far.Send(ctx, []byte("last words")); err != nil {
		t.Fatal(err)
	}
	if msg, err := tunnel.Recv(ctx); err != nil || string(msg) != "last words" {
		t.Fatalf("%q %v", msg, err)
	}
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
	_, err := tunnel.Recv(ctx)
	wantErr(t, err, actor.ErrClosed)
	var e *Error
	if !errors.As(err, &e) || e.Reason != errStopping.Error() || e.Code != wire.CodeLeave || !e.Remote {
		t.Fatal(err)
	}
	_, err = b.Open(ctx, "m")
	wantErr(t, err, actor.ErrClosed)
	_, err = a.Open(ctx, "m")
	wantErr(t, err, actor.ErrNoMembers)
	awaitEvent[*actor.TunnelClosed](t, a)
	awaitEvent[*actor.TunnelClosed](t, b)
}

func TestStrangersAtTheDoor(t *testing.T) {
	tests := []struct {
		name  string
		bytes []byte
		event bool
	}{
		{"silence", nil, false},
		{"garbage", bytes.Repeat([]byte{0xc1}, 3000), true},
		{"data first", encode(&wire.TunnelData{Data: []byte("x")}), true},
		{"too much credit", encode(&wire.TunnelOpen{Cluster: "m", Credit: 1 << 63}), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newNet(t)
			b := m.node(t, nodeB, Config{OpenTimeout: 50 * time.Millisecond})
			m.mu.Lock()
			a := &memoryEndpoint{net: m, id: nodeA}
			m.mu.Unlock()
			s, err := a.OpenStream(context.Background(), nodeB)
			if err != nil {
				t.Fatal(err)
			}
			if tt.bytes != nil {
				_, _ = s.Write(tt.bytes)
			}
			if n, err := s.Read(make([]byte, 1)); err == nil {
				t.Fatalf("read %d bytes instead of a reset", n)
			}
			if tt.event {
				if e := awaitEvent[*actor.ProtocolViolation](t, b); e.Peer != nodeA.String() {
					t.Fatalf("%+v", e)
				}
			}
		})
	}
}
