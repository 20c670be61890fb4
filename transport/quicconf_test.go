package transport

import (
	"net"
	"testing"

	"github.com/quic-go/quic-go"
)

// Whatever lanes and tunnels hold unread, control has its window, and no window grows.
func TestWindowsLeaveRoomForControl(t *testing.T) {
	for _, links := range []int{0, 1, 11, 12, 100, 1023} {
		checkWindows(t, configFor(quicConfig(1024), &net.UDPAddr{}, window(512<<20, links)))
	}
	for links, want := range map[int]uint64{0: streamWindow, 11: streamWindow, 99: 268435, 1023: leastWindow} {
		if got := window(512<<20, links); got != want {
			t.Errorf("beside %d links a stream has a window of %d, want %d", links, got, want)
		}
	}
}

func checkWindows(t *testing.T, c *quic.Config) {
	t.Helper()
	if c.InitialStreamReceiveWindow != c.MaxStreamReceiveWindow || c.InitialConnectionReceiveWindow != c.MaxConnectionReceiveWindow {
		t.Error("a window grows")
	}
	if got, want := c.MaxConnectionReceiveWindow, uint64(1+c.MaxIncomingUniStreams)*c.MaxStreamReceiveWindow; got < want {
		t.Errorf("the window of the connection is %d, that of its streams together %d", got, want)
	}
}

// Packets have their full size from the start on this machine only.
func TestPacketsBeginSmallOnUnknownPaths(t *testing.T) {
	conf := quicConfig(1)
	conf.GetConfigForClient = func(*quic.ClientInfo) (*quic.Config, error) { return nil, nil }
	for addr, want := range map[string]uint16{"127.0.0.1:1": fullPacket, "127.3.0.1:1": fullPacket, "[::1]:1": fullPacket, "10.0.0.1:1": 0, "[fe80::1]:1": 0} {
		to, err := net.ResolveUDPAddr("udp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c := configFor(conf, to, streamWindow)
		if c.InitialPacketSize != want {
			t.Errorf("%s: %d bytes, want %d", addr, c.InitialPacketSize, want)
		}
		if c.GetConfigForClient != nil {
			t.Errorf("%s: the settings of one connection are asked for others", addr)
		}
	}
	if c := configFor(conf, &net.UnixAddr{}, streamWindow); c.InitialPacketSize != 0 {
		t.Errorf("an unknown kind of address: %d bytes", c.InitialPacketSize)
	}
}
