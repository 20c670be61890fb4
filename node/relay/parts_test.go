package relay

import (
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/node/relay/packet"
)

// A client may say nothing for as long as it likes, but not in the middle of a packet.
func TestRestOfAPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		in := newParts(here, packet.Limits{})
		var late atomic.Int64
		stop := in.watch(func() { late.Add(1) })
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				if _, err := in.Next(); err != nil {
					return
				}
			}
		}()
		send := func(b []byte) {
			if _, err := there.Write(b); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		send(packet.Append(nil, packet.Init{Version: packet.Version}))
		pass(24 * time.Hour)
		event := packet.Append(nil, packet.Publish{Topic: "t", Payload: make([]byte, 100)})
		for i := range event {
			send(event[i : i+1])
			if i < len(event)-1 {
				pass(partTimeout - time.Second)
			}
		}
		pass(24 * time.Hour)
		if late.Load() > 0 {
			t.Error("too late, although some came every minute")
		}
		send(event[:50])
		pass(partTimeout)
		if late.Load() != 1 {
			t.Errorf("called %d times", late.Load())
		}
		stop()
		_ = there.Close()
		<-ended
	})
}
