package udp

import (
	"net"

	"golang.org/x/sys/unix"
)

// buffers returns the sizes of the kernel's buffers of c in bytes, 0 for one that
// cannot be read.
func buffers(c *net.UDPConn) (read, write int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, 0
	}
	granted := func(fd uintptr, option int) int {
		n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, option)
		if err != nil {
			return 0
		}
		return n / 2 // Linux doubles what is asked for, for its own bookkeeping
	}
	_ = raw.Control(func(fd uintptr) { // fails for a closed socket only
		read, write = granted(fd, unix.SO_RCVBUF), granted(fd, unix.SO_SNDBUF)
	})
	return read, write
}
