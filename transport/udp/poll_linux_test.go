package udp

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

// endless is a poll that no test sees the end of; one that hangs ends with it.
const endless = time.Minute

// polling runs a test with sockets that do not poll and with ones that do.
func polling(t *testing.T, test func(*testing.T, time.Duration)) {
	for name, poll := range map[string]time.Duration{"asleep": 0, "polling": time.Millisecond} {
		t.Run(name, func(t *testing.T) { test(t, poll) })
	}
}

// probe looks on while a socket is read.
type probe struct {
	asks   int // of the kernel for packets
	sleeps int // of the reader
}

// watch puts a probe into a socket. Asked is called, in the reader's goroutine, after
// each time that the kernel had no packets, asleep before each time that the reader
// goes to sleep; either may be nil.
func watch(in *offload, asked, asleep func(times int)) *probe {
	p := new(probe)
	in.batch = ipv4.NewPacketConn(&watched{held: in.held, asked: func() {
		if p.asks++; asked != nil {
			asked(p.asks)
		}
	}})
	in.ready = func(fd uintptr) bool {
		if in.receive(fd) {
			return true
		}
		if p.sleeps++; asleep != nil {
			asleep(p.sleeps)
		}
		return false
	}
	return p
}

// watched is a socket whose raw form tells when it has no packets.
type watched struct {
	*held
	asked func()
}

func (w *watched) SyscallConn() (syscall.RawConn, error) { return telling{&w.raw, w.asked}, nil }

type telling struct {
	*descriptor
	asked func()
}

func (w telling) Read(f func(uintptr) bool) error {
	err := w.descriptor.Read(f)
	if errors.Is(err, errNothing) {
		w.asked()
	}
	return err
}

func send(t *testing.T, out *net.UDPConn, text string) {
	t.Helper()
	if _, err := out.Write([]byte(text)); err != nil {
		t.Error(err)
	}
}

// receives reads one packet.
func receives(t *testing.T, in *offload, want string) {
	t.Helper()
	ms := empty(8, 1452)
	if n, err := in.ReadBatch(ms, 0); n != 1 || err != nil || string(ms[0].Buffers[0][:ms[0].N]) != want {
		t.Errorf("%d packets, %v; want one, %s", n, err, want)
	}
	if in.slab != nil {
		t.Error("a socket that has given everything holds a slab")
	}
}

// A packet that comes during the poll is received by it: the reader does not sleep.
func TestPollReceives(t *testing.T) {
	in, out := listen(t, endless)
	p := watch(in, func(times int) {
		if times == 3 {
			send(t, out, "meanwhile")
		}
	}, nil)
	receives(t, in, "meanwhile")
	if p.asks != 3 || p.sleeps != 0 {
		t.Errorf("asked %d times in vain, slept %d times; want 3 and none", p.asks, p.sleeps)
	}
}

// A poll that brings nothing ends in sleep, from which the next packet wakes the reader.
func TestPollEnds(t *testing.T) {
	in, out := listen(t, time.Millisecond)
	p := watch(in, nil, func(times int) {
		if times == 1 {
			send(t, out, "later")
		}
	})
	for range 3 {
		p.sleeps = 0
		receives(t, in, "later")
		if p.sleeps == 0 {
			t.Error("a packet came before it was sent")
		}
	}
}

// Without a poll the kernel is asked once before the reader sleeps.
func TestNoPoll(t *testing.T) {
	in, out := listen(t, 0)
	p := watch(in, nil, func(times int) {
		if times == 1 {
			send(t, out, "later")
		}
	})
	receives(t, in, "later")
	if p.asks != p.sleeps {
		t.Errorf("asked %d times in vain, slept %d times", p.asks, p.sleeps)
	}
}

// A deadline that passes and a socket that is closed during a poll end the read with it.
func TestPollIsCutShort(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(in *offload) error
		want error
	}{
		"deadline": {func(in *offload) error { return in.SetReadDeadline(time.Now()) }, os.ErrDeadlineExceeded},
		"close":    {(*offload).Close, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			in, _ := listen(t, time.Millisecond)
			ended := make(chan error, 1)
			watch(in, func(times int) {
				if times == 1 {
					go func() { ended <- c.end(in) }() // Close waits for the reader
				}
			}, nil)
			if n, err := in.ReadBatch(empty(8, 1452), 0); n != 0 || !errors.Is(err, c.want) {
				t.Errorf("%d, %v; want %v", n, err, c.want)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// While a socket polls on the only processor, other goroutines have theirs: about one
// turn for each time that the kernel is asked.
func TestPollLetsOthersRun(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	in, out := listen(t, endless)
	var turns atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				turns.Add(1)
				runtime.Gosched()
			}
		}
	}()
	const asks = 1000
	var before, after int64
	p := watch(in, func(times int) {
		switch times {
		case 1:
			before = turns.Load()
		case asks:
			after = turns.Load()
			send(t, out, "enough")
		}
	}, nil)
	receives(t, in, "enough")
	close(stop)
	<-stopped
	if got := after - before; got < asks/4 || p.sleeps != 0 {
		t.Errorf("the other goroutine had %d turns while the kernel was asked %d times; slept %d times", got, p.asks, p.sleeps)
	}
}
