package discovery

import "golang.org/x/sys/unix"

// share lets several processes listen on one port; each of them gets every
// broadcast and multicast. SO_REUSEPORT would do as well for these, but admits
// only processes of one user. Without the other option a socket gets the
// multicasts of groups that any process of the host joined, so that a node
// without LAN would hear the LAN through its neighbour.
func share(fd uintptr) error {
	if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
}
