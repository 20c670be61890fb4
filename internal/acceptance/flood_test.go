package acceptance

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"
)

// A QUIC Initial packet (RFC 9000, section 17.2.2) whose payload nobody can
// decrypt: a listener must decide about it before it can look inside.
func initialPacket(dcid, token []byte) []byte {
	p := make([]byte, 0, 1200)
	p = append(p, 0xc3)                             // long header, Initial, 4-byte packet number
	p = binary.BigEndian.AppendUint32(p, 1)         // version
	p = append(append(p, byte(len(dcid))), dcid...) // destination
	scid := make([]byte, 8)
	rand.Read(scid) // never fails
	p = append(append(p, 8), scid...)
	p = binary.BigEndian.AppendUint16(p, 0x4000|uint16(len(token))) // varint of two bytes
	p = append(p, token...)
	rest := 1200 - len(p) - 2
	p = binary.BigEndian.AppendUint16(p, 0x4000|uint16(rest))
	body := make([]byte, rest)
	rand.Read(body)
	return append(p, body...)
}

// retryOf returns the connection id and the token of a Retry packet.
func retryOf(p []byte) (scid, token []byte, ok bool) {
	if len(p) < 7 || p[0]&0xf0 != 0xf0 {
		return nil, nil, false
	}
	p = p[5:]
	for range 2 {
		n := int(p[0])
		if len(p) < 1+n+1 {
			return nil, nil, false
		}
		scid, p = p[1:1+n], p[1+n:]
	}
	if len(p) < 16 {
		return nil, nil, false
	}
	return scid, p[:len(p)-16], true
}

// flood begins handshakes at addr from many sockets and never goes on with
// them. With proof it answers each Retry, so that every slot that the listener
// gives away is really held.
func flood(t *testing.T, addr string, count, sockets int, proof bool) (sent int, took time.Duration) {
	t.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	var conns []net.Conn
	for range sockets {
		c, err := net.Dial("udp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if proof {
			wg.Go(func() { answerRetries(c) })
		}
	}
	for i := range count {
		dcid := make([]byte, 8)
		rand.Read(dcid)
		if _, err := conns[i%sockets].Write(initialPacket(dcid, nil)); err == nil {
			sent++
		}
	}
	took = time.Since(began)
	if proof {
		lasting(2 * time.Second) // the Retries come and are answered
	}
	for _, c := range conns {
		_ = c.Close() // ends answerRetries
	}
	wg.Wait()
	return sent, took
}

func answerRetries(c net.Conn) {
	buf := make([]byte, 2048)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if scid, token, ok := retryOf(buf[:n]); ok {
			_, _ = c.Write(initialPacket(scid, token)) // a lost packet holds no slot, that is all
		}
	}
}

func TestHalfOpenHandshakes(t *testing.T) {
	count := 10_000
	if !*rows {
		count = 1000
	}
	for _, proof := range []bool{false, true} {
		name := "silent"
		if proof {
			name = "proving their address"
		}
		t.Run(name, func(t *testing.T) {
			ps := network(t, 2)
			ps[1].do("register", clusterArgs{Cluster: "echo", Kind: "echo"})
			ps[0].do("load", loadArgs{Name: "l", Cluster: "echo", Rate: 200})
			idle := must[usage](ps[1], "memory", map[string]bool{"GC": true})
			newcomer := spawn(t, "newcomer")
			var wg sync.WaitGroup
			wg.Go(func() {
				sent, took := flood(t, ps[1].Addr, count, 200, proof)
				t.Logf("%d handshakes begun in %.2f s", sent, took.Seconds())
			})
			began := time.Now()
			newcomer.start(startArgs{Seeds: []string{ps[1].Addr}, NoHost: true})
			joined := newcomer.await(2)
			holds(t, "a good peer joins during the flood", ms(joined.Sub(began)), 1000, "ms")
			wg.Wait()
			u := must[usage](ps[1], "memory", map[string]bool{})
			holds(t, "memory of the flooded node above idle", float64(u.PeakRSS-min(idle.RSS, u.PeakRSS))/(1<<20), 64, "MiB")
			load := must[loadResult](ps[0], "loaded", loadArgs{Name: "l"})
			if len(load.Failures) > 0 {
				t.Errorf("%d of %d requests failed, first %+v", len(load.Failures), load.Sent, load.Failures[0])
			}
			t.Logf("requests during the flood: %d, p50 %.2f ms, p99 %.2f ms", load.Sent, load.P50Ms, load.P99Ms)
			for _, p := range ps {
				if e, ok := p.first("PeerDown", "", began); ok {
					t.Errorf("%s lost %s: %s", p.name, e.About, e.More)
				}
			}
		})
	}
}
