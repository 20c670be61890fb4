package udp

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// offload is a socket with receive offload. Reads are of one goroutine.
type offload struct {
	*net.UDPConn
	raw   syscall.RawConn
	ready func(fd uintptr) bool // receive, bound once
	batch *ipv4.PacketConn      // receives without waiting, within ready
	held  *held
	poll  time.Duration // see Listen

	slab *slab // lent; nil while waiting for packets
	cut  cutter
	err  error // of the last receive
}

// newOffload turns receive offload on, and returns nil if the kernel has none.
func newOffload(c *net.UDPConn, poll time.Duration) net.PacketConn {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	var refused error
	if err := raw.Control(func(fd uintptr) {
		refused = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1)
	}); err != nil || refused != nil {
		return nil
	}
	o := &offload{UDPConn: c, raw: raw, held: &held{UDPConn: c}, poll: poll}
	o.ready, o.batch = o.receive, ipv4.NewPacketConn(o.held)
	return o
}

// ReadBatch waits for packets and fills ms with one each; quic-go calls it in place of
// its own.
func (o *offload) ReadBatch(ms []ipv4.Message, _ int) (int, error) {
	for o.cut.empty() {
		o.giveBack()
		if err := o.raw.Read(o.ready); err != nil {
			return 0, err
		}
		if o.err != nil {
			return 0, o.err
		}
	}
	n := o.cut.take(ms)
	if o.cut.empty() {
		o.giveBack()
	}
	return n, nil
}

// receive is called whenever the socket may have packets. It reports false if there
// are none, and is called again.
func (o *offload) receive(fd uintptr) bool {
	s := slabs.Get().(*slab)
	o.held.raw.fd = fd
	n, err := o.ask(s)
	if nothing(n, err) {
		slabs.Put(s)
		return false
	}
	o.slab, o.err = s, err
	o.cut.begin(s.pieces[:max(n, 0)])
	return true
}

// ask takes the packets that are there into s. If there are none it asks again for as
// long as the socket polls, and lets other goroutines run in between.
func (o *offload) ask(s *slab) (int, error) {
	n, err := o.batch.ReadBatch(s.pieces[:], 0)
	if o.poll == 0 || !nothing(n, err) {
		return n, err
	}
	for end := time.Now().Add(o.poll); nothing(n, err) && time.Now().Before(end); {
		runtime.Gosched()
		n, err = o.batch.ReadBatch(s.pieces[:], 0)
	}
	return n, err
}

func nothing(n int, err error) bool { return errors.Is(err, errNothing) || n == 0 && err == nil }

func (o *offload) giveBack() {
	if o.slab == nil {
		return
	}
	for i := range o.slab.pieces {
		o.slab.pieces[i].Addr = nil
	}
	slabs.Put(o.slab)
	o.slab = nil
}

var errNothing = errors.New("udp: no packets")

// held is a socket whose raw form is a descriptor that somebody holds.
type held struct {
	*net.UDPConn
	raw descriptor
}

// SyscallConn returns the descriptor.
func (h *held) SyscallConn() (syscall.RawConn, error) { return &h.raw, nil }

// descriptor is a syscall.RawConn that neither locks nor waits: its user is called by
// one that does.
type descriptor struct{ fd uintptr }

func (d *descriptor) Control(f func(uintptr)) error {
	f(d.fd)
	return nil
}

// Read fails with errNothing where f wants to wait.
func (d *descriptor) Read(f func(uintptr) bool) error {
	if !f(d.fd) {
		return errNothing
	}
	return nil
}

// Write fails: nothing is written this way.
func (d *descriptor) Write(func(uintptr) bool) error { return errors.ErrUnsupported }
