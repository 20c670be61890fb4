package transport

import (
	"errors"
	"fmt"
	"testing"

	"iris/actor"
)

func TestStatusKeepsTheMeaningOfErrors(t *testing.T) {
	for _, err := range []error{
		actor.ErrOverloaded, actor.ErrNoActor, actor.ErrDraining, actor.ErrExpired,
	} {
		status, text := Status(fmt.Errorf("somewhere: %w", err))
		if got := ErrorOf("n", status, text); !errors.Is(got, err) {
			t.Errorf("%v came back as %v", err, got)
		}
	}
	if status, _ := Status(nil); ErrorOf("n", status, "") != nil {
		t.Error("success came back as an error")
	}
	for _, err := range []*actor.RemoteError{
		{Code: actor.CodeFailed, Text: "no"},
		{Code: actor.CodePanic, Text: "boom", Panic: true},
		{Code: actor.CodeUnknown, Text: "shop.Order"},
	} {
		var got *actor.RemoteError
		if !errors.As(ErrorOf("0123456789", first(Status(err)), err.Text), &got) {
			t.Fatalf("%v lost its type", err)
		}
		if got.Code != err.Code || got.Text != err.Text || got.Panic != err.Panic || got.Node != "0123456789" {
			t.Errorf("%+v came back as %+v", err, got)
		}
	}
	// An unknown status of a newer peer is still an error.
	if ErrorOf("n", 999, "new") == nil {
		t.Error("unknown status taken for success")
	}
}

func first(s uint16, _ string) uint16 { return s }
