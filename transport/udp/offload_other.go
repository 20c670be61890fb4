//go:build !linux

package udp

import (
	"net"
	"time"
)

// newOffload returns nil: receive offload is a matter of Linux.
func newOffload(*net.UDPConn, time.Duration) net.PacketConn { return nil }

// buffers returns zeros: only Linux is asked what it granted.
func buffers(*net.UDPConn) (read, write int) { return 0, 0 }
