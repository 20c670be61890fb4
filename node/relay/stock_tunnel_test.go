package relay_test

import (
	"slices"
	"testing"

	"iris/node/config"
	"iris/node/relay/packet"
)

// sender sends messages through many tunnels of one client, as credit comes.
type sender struct {
	*raw
	credit, left []uint64 // by the number of the tunnel
}

// many opens n tunnels to the cluster of a service, which grants nothing yet.
func many(t *testing.T, client, service *raw, cluster string, n int) *sender {
	t.Helper()
	s := &sender{raw: client, credit: make([]uint64, n), left: make([]uint64, n)}
	for i := range n {
		client.send(packet.TunInit{Tunnel: uint64(i), Cluster: cluster, TimeoutMs: 60_000})
		service.send(packet.TunConfirm{Build: expect[packet.TunOffer](service).Build, Tunnel: uint64(i)})
		service.await(1)
		service.credit = 0
		expect[packet.TunResult](client)
		s.credit[i] = expect[packet.TunAllow](client).Space
	}
	return s
}

// push sends what credit there is for, of messages of size octets of which less remain unsent.
func (s *sender) push(size, less uint64) (sent uint64) {
	for i := range s.left {
		for {
			n := min(s.left[i]-min(less, s.left[i]), packet.ChunkLimit)
			if n == 0 || s.credit[i] < n {
				break
			}
			chunk := packet.TunTransfer{Tunnel: uint64(i), Payload: make([]byte, n)}
			if s.left[i] == size {
				chunk.Size = size
			}
			s.send(chunk)
			s.credit[i] -= n
			s.left[i] -= n
			sent += n
		}
	}
	return sent
}

// settle reads the grants that follow from what was sent, until there are none.
func (s *sender) settle() {
	s.t.Helper()
	for last := -1; last != 0; {
		last = 0
		s.send(packet.Request{ID: 1 << 40, Cluster: "a cluster of nobody", TimeoutMs: 60_000})
		for {
			p, err := s.next()
			if err != nil {
				s.t.Fatal(err)
			}
			if a, ok := p.(packet.TunAllow); ok {
				s.credit[a.Tunnel] += a.Space
				last++
				continue
			}
			break
		}
	}
}

// Half messages of many tunnels hold the windows, an eighth of the memory for them, and one
// message; when their rest may come all go on.
func TestHalfMessagesAreBounded(t *testing.T) {
	const tunnels, size = 20, 16 << 20
	h := houses(t, 1, func(c *config.Config) { c.Limits.Memory = 64 << 20 })[0]
	client, service := h.attach(t, ""), h.attach(t, "tun")
	s := many(t, client, service, "tun", tunnels)
	for i := range s.left {
		s.left[i] = size
	}
	windows := uint64(0)
	for _, c := range s.credit {
		windows += c
	}
	if want := uint64(16*packet.RelayWindow + (tunnels-16)*packet.ChunkLimit); windows != want {
		t.Errorf("the windows are %d octets, want %d", windows, want)
	}
	before, sum := heap(), uint64(0)
	for n := uint64(1); n > 0; sum += n {
		n = s.push(size, packet.ChunkLimit) // all but the last chunk
		s.settle()
	}
	t.Logf("%d MiB of %d were taken, the process holds %d MiB more", sum>>20, tunnels*size>>20, (heap()-before)>>20)
	if most := windows + 16<<20/8 + size; sum > most {
		t.Errorf("%d octets were taken, at most %d", sum, most)
	}
	var read uint64
	done := make(chan struct{})
	go func() { // reads all messages
		defer close(done)
		for i := range uint64(tunnels) {
			service.send(packet.TunAllow{Tunnel: i, Space: 1 << 40})
		}
		for read < tunnels*size {
			p, err := service.next()
			if err != nil {
				t.Error(err)
				return
			}
			if chunk, ok := p.(packet.TunTransfer); ok {
				read += uint64(len(chunk.Payload))
			}
		}
	}()
	for sum < tunnels*size {
		n := s.push(size, 0)
		if sum += n; n == 0 {
			a := expect[packet.TunAllow](client)
			s.credit[a.Tunnel] += a.Space
		}
	}
	<-done
}

// While all tunnels of one client wait for a receiver that does not read, also that whose message
// may go beyond the memory for them, messages of another client go through, as far as its windows
// and its part of that memory let them.
func TestSlowTunnelStopsNoOther(t *testing.T) {
	const size, whole = 16 << 20, 5 << 20 // more than a window
	h := houses(t, 1, func(c *config.Config) { c.Limits.Memory = 64 << 20 })[0]
	slow := many(t, h.attach(t, ""), h.attach(t, "deaf"), "deaf", 8)
	for i := range slow.left {
		slow.left[i] = size
	}
	for n := uint64(1); n > 0; {
		n = slow.push(size, 0)
		slow.settle()
	}
	if slices.Min(slow.left) > 0 || slices.Max(slow.left) == 0 {
		t.Fatalf("of the messages are left %d", slow.left)
	}
	service := h.attach(t, "keen")
	other := many(t, h.attach(t, ""), service, "keen", 1)
	for range 3 {
		service.send(packet.TunAllow{Tunnel: 0, Space: whole})
		for other.left[0] = whole; other.left[0] > 0; {
			if n := other.push(whole, 0); n == 0 {
				a := expect[packet.TunAllow](other.raw)
				other.credit[a.Tunnel] += a.Space
			}
		}
		for read := 0; read < whole; {
			read += len(expect[packet.TunTransfer](service).Payload)
		}
	}
}
