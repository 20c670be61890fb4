package tunnels

import (
	"runtime"
	"syscall"
)

// giveWay lets others run: other threads of this machine first, such as those of the
// node at the other end, which would else wait for the kernel's next tick while this
// one keeps its processor, then other goroutines of this process. It costs three
// system calls if nobody waits.
//
// It does so three times, because what runs the first time wakes others: a request is read by one
// goroutine, handled by a second and its reply written by a third.
//
// The thread keeps its place among those that run Go code meanwhile: it is back soon,
// and to leave it would cost more.
func giveWay() {
	for range 3 {
		_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) // never fails
		runtime.Gosched()
	}
}
