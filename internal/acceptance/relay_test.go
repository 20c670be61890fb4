package acceptance

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"iris/internal/canary"
	"iris/node"
	"iris/node/config"
	"iris/node/relay/client"
)

// relays starts n nodes of a network in this process and returns the addresses of
// their relays.
func relays(t *testing.T, n int) (addrs []string) {
	t.Helper()
	key := canary.Key()
	var nodes []*node.Node
	t.Cleanup(func() {
		var wg sync.WaitGroup
		for _, n := range nodes {
			wg.Go(func() {
				if err := n.Stop(context.Background()); err != nil {
					t.Errorf("stop: %v", err)
				}
			})
		}
		wg.Wait()
	})
	for range n {
		cfg := config.Default()
		cfg.Network.Name, cfg.Network.Secret = ofThisRun(t.Name()), key
		cfg.Log.Handler = slog.DiscardHandler
		cfg.Relay.Listen = "127.0.0.1:0"
		if len(nodes) > 0 {
			cfg.Seeds = []string{nodes[0].Addr().String()}
		}
		x, err := node.Start(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, x)
		addrs = append(addrs, x.RelayAddrs()[0].String())
	}
	for _, x := range nodes {
		eventually(t, "all peers", func() bool { return len(x.Peers()) == n-1 })
	}
	return addrs
}

// throughRelays runs a row through one node, and across three.
func throughRelays(t *testing.T, f func(t *testing.T, addrs []string)) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprintf("nodes=%d", n), func(t *testing.T) { f(t, relays(t, n)) })
	}
}

// dial attaches to the i-th relay, counted round.
func dial(t testing.TB, addrs []string, i int, cluster string, h client.Handler) *client.Conn {
	t.Helper()
	c, err := client.Dial(context.Background(), client.Config{Addr: addrs[i%len(addrs)], Cluster: cluster, Handler: h})
	if err != nil {
		t.Error(err)
		return nil
	}
	return c
}

// all runs f n times at once, and returns how long that took.
func all(n int, f func(i int)) time.Duration {
	began := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
	return time.Since(began)
}

func hang(t testing.TB, list ...*client.Conn) {
	all(len(list), func(i int) {
		if list[i] != nil {
			if err := list[i].Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	})
}

var echoes = client.Handler{Request: func(_ context.Context, m []byte) ([]byte, error) { return m, nil }}

func TestRelayHundredClients(t *testing.T) {
	throughRelays(t, func(t *testing.T, addrs []string) {
		const clients, asks = 100, 20
		list := make([]*client.Conn, clients)
		took := all(clients, func(i int) { list[i] = dial(t, addrs, i, "hundred", echoes) })
		if t.Failed() {
			return
		}
		holds(t, "100 clients attach to one cluster", ms(took), 5000, "ms")
		took = all(clients, func(i int) {
			for k := range asks {
				m := fmt.Append(nil, i, k)
				if got, err := list[i].Request(t.Context(), "hundred", m, patience); err != nil || !bytes.Equal(got, m) {
					t.Errorf("got %q, %v", got, err)
				}
			}
		})
		holds(t, "each asks 20 times", ms(took), 5000, "ms")
		holds(t, "all leave", ms(all(clients, func(i int) { hang(t, list[i]) })), 5000, "ms")
		c := dial(t, addrs, 1, "", client.Handler{})
		began := time.Now()
		if _, err := c.Request(t.Context(), "hundred", nil, patience); !errors.Is(err, client.ErrTimeout) {
			t.Errorf("asked after all have left: %v", err)
		}
		holds(t, "nobody is there", ms(time.Since(began)), 50, "ms")
		hang(t, c)
	})
}

func TestRelayBroadcasts(t *testing.T) {
	throughRelays(t, func(t *testing.T, addrs []string) {
		const services, clients, messages = 25, 25, 40
		var heard [services]atomic.Int64
		var list []*client.Conn
		for i := range services {
			list = append(list, dial(t, addrs, i, "all", client.Handler{Broadcast: func([]byte) { heard[i].Add(1) }}))
		}
		for i := range clients {
			list = append(list, dial(t, addrs, i, "", client.Handler{}))
		}
		began := time.Now()
		all(len(list), func(i int) {
			for k := range messages {
				if err := list[i].Broadcast(t.Context(), "all", fmt.Append(nil, i, k)); err != nil {
					t.Error(err)
				}
			}
		})
		const want = (services + clients) * messages
		for i := range heard {
			eventually(t, "every broadcast", func() bool { return heard[i].Load() >= want })
		}
		holds(t, fmt.Sprintf("%d broadcasts to 25 services, all heard", want), ms(time.Since(began)), 5000, "ms")
		for i := range heard {
			if n := heard[i].Load(); n != want {
				t.Errorf("service %d heard %d of %d", i, n, want)
			}
		}
		hang(t, list...)
	})
}

func TestRelayParties(t *testing.T) {
	throughRelays(t, func(t *testing.T, addrs []string) {
		const parties, asks = 50, 100
		var list []*client.Conn
		for i := range parties {
			list = append(list, dial(t, addrs, i, "parties", echoes))
		}
		took := all(parties, func(i int) {
			all(asks, func(k int) {
				m := fmt.Append(nil, i, k)
				if got, err := list[i].Request(t.Context(), "parties", m, patience); err != nil || !bytes.Equal(got, m) {
					t.Errorf("got %q, %v", got, err)
				}
			})
		})
		holds(t, "50 parties ask 100 times each, in parallel", ms(took), 5000, "ms")
		hang(t, list...)
	})
}

// reflect sends back what comes, once go is closed.
func reflect(go_ <-chan struct{}) func(*client.Tunnel) {
	return func(tun *client.Tunnel) {
		<-go_
		for {
			m, err := tun.Recv(context.Background())
			if err != nil {
				return
			}
			if tun.Send(context.Background(), m) != nil {
				return
			}
		}
	}
}

func TestRelayTunnelsOfLargeMessages(t *testing.T) {
	throughRelays(t, func(t *testing.T, addrs []string) {
		const tunnels, size = 4, 16 << 20
		messages := 4
		if testing.Short() { // a gigabyte takes the race detector half a minute
			messages = 1
		}
		at := make(chan struct{})
		close(at)
		service := dial(t, addrs, 1, "tunnels", client.Handler{Tunnel: reflect(at)})
		c := dial(t, addrs, 0, "", client.Handler{})
		body := make([]byte, size)
		rand.Read(body) // never fails
		took := all(tunnels, func(int) {
			tun, err := c.Tunnel(t.Context(), "tunnels", patience)
			if err != nil {
				t.Error(err)
				return
			}
			for range messages {
				if err := tun.Send(t.Context(), body); err != nil {
					t.Error(err)
					return
				}
				if got, err := tun.Recv(t.Context()); err != nil || !bytes.Equal(got, body) {
					t.Errorf("%d bytes came back, %v", len(got), err)
					return
				}
			}
			if err := tun.Close(); err != nil {
				t.Error(err)
			}
		})
		t.Logf("%d messages of 16 MiB there and back through %d tunnels: %.0f MB/s each way", messages*tunnels, tunnels, float64(messages*tunnels*size)/1e6/took.Seconds())
		hang(t, c, service)
	})
}

func TestRelayStalledTunnel(t *testing.T) {
	throughRelays(t, func(t *testing.T, addrs []string) {
		at := make(chan struct{})
		service := dial(t, addrs, 1, "stalled", client.Handler{Tunnel: reflect(at)})
		c := dial(t, addrs, 0, "", client.Handler{})
		tun, err := c.Tunnel(t.Context(), "stalled", patience)
		if err != nil {
			t.Fatal(err)
		}
		body := make([]byte, 64<<20)
		taken, worst := 0, time.Duration(0)
		for i := range 12 { // the last ones long enough to fill whatever there is
			timeout := 10 * time.Millisecond
			if i >= 6 {
				timeout = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			began := time.Now()
			switch err := tun.Send(ctx, body); {
			case err == nil:
				taken++
			case errors.Is(err, client.ErrTimeout) || errors.Is(err, context.DeadlineExceeded):
				worst = max(worst, time.Since(began)-timeout)
				if i >= 6 {
					cancel()
					goto full
				}
			default:
				t.Fatal(err)
			}
			cancel()
		}
		t.Fatal("the sender was never held")
	full:
		holds(t, "messages of 64 MiB on the way before the sender is held", float64(taken), 3, "")
		holds(t, "a send that is held ends after its timeout by", ms(worst), 100, "ms")
		close(at)
		for range 10 {
			if err := tun.Send(t.Context(), []byte("alive")); err != nil {
				t.Fatal(err)
			}
		}
		for alive := 0; alive < 10; {
			m, err := tun.Recv(t.Context())
			switch {
			case err != nil:
				t.Fatal(err)
			case string(m) == "alive":
				alive++
			case len(m) != len(body):
				t.Fatalf("a message of %d bytes", len(m))
			}
		}
		if err := tun.Close(); err != nil {
			t.Error(err)
		}
		hang(t, c, service)
	})
}

// wait answers no request before its asker gives up.
var wait = client.Handler{Request: func(ctx context.Context, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}}

func TestRelayCloseDuringARequest(t *testing.T) {
	throughRelays(t, func(t *testing.T, addrs []string) {
		for range 5 {
			service, c := dial(t, addrs, 1, "slow", wait), dial(t, addrs, 0, "", client.Handler{})
			for _, gone := range []*client.Conn{c, service} {
				asker := dial(t, addrs, 0, "", client.Handler{})
				if gone == c {
					hang(t, asker)
					asker = c
				}
				done := make(chan error, 1)
				go func() {
					_, err := asker.Request(context.Background(), "slow", nil, patience)
					done <- err
				}()
				lasting(20 * time.Millisecond)
				began := time.Now()
				hang(t, gone)
				holds(t, "close during a request", ms(time.Since(began)), 250, "ms")
				if err := <-done; err == nil {
					t.Error("the request was answered")
				}
				holds(t, "the asker hears of it", ms(time.Since(began)), 250, "ms")
				if gone == service {
					hang(t, asker)
				}
			}
		}
	})
}

func TestRelayShortTimeouts(t *testing.T) {
	throughRelays(t, func(t *testing.T, addrs []string) {
		over := make(chan time.Duration, 1000)
		service := dial(t, addrs, 1, "slow", client.Handler{Request: func(ctx context.Context, _ []byte) ([]byte, error) {
			began := time.Now()
			<-ctx.Done()
			over <- time.Since(began)
			lasting(50 * time.Millisecond) // what it says is too late for sure
			return nil, ctx.Err()
		}})
		c := dial(t, addrs, 0, "", client.Handler{})
		for _, timeout := range []time.Duration{time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond} {
			var late []float64
			for range 50 {
				began := time.Now()
				if _, err := c.Request(t.Context(), "slow", nil, timeout); !errors.Is(err, client.ErrTimeout) {
					t.Fatalf("got %v", err)
				}
				late = append(late, ms(time.Since(began)-timeout))
			}
			slices.Sort(late)
			if late[0] < 0 {
				t.Errorf("a timeout of %v came %.2f ms early", timeout, -late[0])
			}
			holds(t, fmt.Sprintf("a timeout of %v is late by, in the median", timeout), late[len(late)/2], 10, "ms")
		}
		served := len(over)
		longest := time.Duration(0)
		for range served {
			longest = max(longest, <-over)
		}
		holds(t, fmt.Sprintf("the longest of %d requests at the service", served), ms(longest), 60, "ms")
		hang(t, c, service)
	})
}

func TestRelayNameIsFreeAtOnce(t *testing.T) {
	throughRelays(t, func(t *testing.T, addrs []string) {
		c := dial(t, addrs, 0, "", client.Handler{})
		worst := time.Duration(0)
		for i := range 20 {
			service := dial(t, addrs, i, "briefly", echoes)
			if _, err := c.Request(t.Context(), "briefly", nil, patience); err != nil {
				t.Errorf("round %d: %v", i, err)
			}
			hang(t, service)
			began := time.Now()
			if _, err := c.Request(t.Context(), "briefly", nil, patience); !errors.Is(err, client.ErrTimeout) {
				t.Errorf("round %d, nobody is there: %v", i, err)
			}
			worst = max(worst, time.Since(began))
		}
		holds(t, "nobody is there, after the last member left", ms(worst), 50, "ms")
		hang(t, c)
	})
}

// held is the memory of the process in use, in MiB.
func held() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse+m.StackInuse) / (1 << 20)
}

func TestRelaySilentConnections(t *testing.T) {
	full(t)
	const silent = 10_000
	addrs := relays(t, 1)
	before := held()
	conns := make([]net.Conn, silent)
	began := time.Now()
	stop := make(chan struct{})
	var most float64
	var attaching sync.WaitGroup
	attaching.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			at := time.Now()
			c := dial(t, addrs, 0, "", client.Handler{})
			most = max(most, ms(time.Since(at)))
			hang(t, c)
		}
	})
	for i := range conns {
		conn, err := net.Dial("tcp", addrs[0])
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		conns[i] = conn
	}
	opened := time.Since(began)
	holds(t, "10 000 connections that say nothing, both ends", held()-before, 64, "MiB more")
	all(silent, func(i int) {
		_ = conns[i].SetReadDeadline(time.Now().Add(patience))
		if n, err := conns[i].Read(make([]byte, 1)); n > 0 || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("connection %d: %d bytes, %v", i, n, err)
		}
		_ = conns[i].Close()
	})
	holds(t, "all are closed after the last was opened in", ms(time.Since(began)-opened), 6000, "ms")
	close(stop)
	attaching.Wait()
	holds(t, "attaching meanwhile, the longest of all", most, 100, "ms")
}
