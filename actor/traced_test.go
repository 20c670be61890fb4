package actor

import (
	"slices"
	"testing"
)

// What a handler sends, asks and forwards belongs to the trace of what it handles.
func TestATraceFollowsWhatItCauses(t *testing.T) {
	s := newTestSystem(t)
	seen := make(chan [2]string, 16)
	note := func(ctx Context, who string) { seen <- [2]string{who, Meta(ctx).Trace} }
	last := s.Spawn(Func(func(ctx Context) {
		if m, ok := ctx.Message().(string); ok {
			note(ctx, m)
			if ctx.Sender() != nil {
				ctx.Respond(m + " heard")
			}
		}
	}))
	middle := s.Spawn(Func(func(ctx Context) {
		switch m := ctx.Message().(type) {
		case string:
			if m != "go" {
				note(ctx, m) // what the last one responds to a Request
				return
			}
			SetTrace(ctx, Meta(ctx).Trace+"/middle")
			ctx.Send(last, "sent")
			ctx.Request(last, "requested")
			ctx.Ask(last, "asked", 0, func(reply any, err error) {
				note(ctx, reply.(string))
				ctx.Send(last, "after")
			})
		case int:
			ctx.Forward(last)
		}
	}))
	s.Send(middle, nil, &Traced{"go", "one"})
	want := [][2]string{
		{"sent", "one/middle"},
		{"requested", "one/middle"},
		{"asked", "one/middle"},
		{"requested heard", ""},
		{"asked heard", "one/middle"},
		{"after", "one/middle"},
	}
	for range want {
		got := <-seen
		if !slices.Contains(want, got) {
			t.Errorf("%q came with trace %q", got[0], got[1])
		}
	}
	s.Send(last, nil, "plain")
	if got := <-seen; got != [2]string{"plain", ""} {
		t.Errorf("got %q", got)
	}
}

func TestATracedRequestIsAnsweredAsAnyOther(t *testing.T) {
	s := newTestSystem(t)
	front := s.Spawn(Func(func(ctx Context) {
		if m, ok := ctx.Message().(string); ok {
			if Meta(ctx).Trace != "t" {
				t.Errorf("%q has trace %q", m, Meta(ctx).Trace)
			}
			ctx.Forward(s.Spawn(Func(func(ctx Context) {
				if m, ok := ctx.Message().(string); ok {
					ctx.Respond(m + Meta(ctx).Trace)
				}
			})))
		}
	}))
	if got := mustAsk(t, s, front, &Traced{"answer ", "t"}); got != "answer t" {
		t.Errorf("got %v", got)
	}
}

func TestADeadLetterIsOfTheMessageAndNotOfItsTrace(t *testing.T) {
	s := newTestSystem(t)
	events := s.Events().Chan(t.Context(), 16)
	s.Send(NewPID(s.Node(), "iris/user/nobody"), nil, &Traced{word{}, "t"})
	for ev := range events {
		if d, ok := ev.(*DeadLetter); ok {
			if d.MessageType != "actor.word" {
				t.Errorf("type %q", d.MessageType)
			}
			return
		}
	}
}
