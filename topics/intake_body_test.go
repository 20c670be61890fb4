package topics

import (
	"runtime"
	"testing"
	"testing/synctest"
	"weak"

	"iris/transport/wire"
)

// A body that came in pieces has its room until it was handed on: the intake does not
// keep it longer.
func TestIntakeKeepsNoBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newTestIntake(newFabric(t, 1).nodes[0])
		e := &wire.Event{Topic: "nobody listens", Body: wire.Body{Data: make([]byte, 1<<20)}}
		held := weak.Make(&e.Body.Data[0])
		in.Frame(e)
		in.Flush()
		e = nil
		runtime.GC()
		runtime.GC()
		if held.Value() != nil {
			t.Error("a body stays in memory behind the intake")
		}
		runtime.KeepAlive(in)
	})
}
