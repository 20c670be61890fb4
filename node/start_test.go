package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"iris/actor"
	"iris/node/config"
	"iris/router"
	"iris/transport/identity"
)

// Whichever layer cannot be made, those below it end, at once and without a
// complaint of their own. That nothing is left running, the bubble sees to.
func TestAStartThatFailsHalfWayEndsWhatItBegan(t *testing.T) {
	for _, layer := range []string{"router", "topics", "tunnels", "clusters", "readers", "transport"} {
		t.Run(layer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := &simnet.Simnet{Router: &simnet.PerfectRouter{}}
				conn := sim.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 1).To4(), Port: 7000}, simnet.NodeBiDiLinkSettings{})
				if err := sim.Start(); err != nil {
					t.Fatal(err)
				}
				defer sim.Close()
				cfg := config.Default()
				cfg.Log.Level, cfg.Discovery.Host = slog.LevelError+1, false
				cfg = cfg.WithDefaults()
				keys, _, err := keyring(cfg.Network)
				if err != nil {
					t.Fatal(err)
				}
				ident, err := identity.New(keys, identity.Options{})
				if err != nil {
					t.Fatal(err)
				}
				n := &Node{cfg: cfg}
				n.openLog(ident.ID())
				n.life, n.end = context.WithCancelCause(context.Background())
				n.sys = actor.NewSystem(actor.Options{Node: ident.ID().String(), Logger: n.log})
				if _, err := n.sys.Service(layer, actor.Func(func(actor.Context) {})); err != nil { // in its place
					t.Fatal(err)
				}
				if err := n.build(ident, keys, 1, seams{conn: conn, prober: router.NoProber{}}); !errors.Is(err, actor.ErrNameExists) {
					t.Errorf("build: %v", err)
				}
				began := time.Now()
				if err := n.unwind(); err != nil {
					t.Errorf("unwind: %v", err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}

// A node whose joining is cut short tells the peers that it has met: they take
// it for gone, not for dead.
func TestAStartThatIsCutShortLeaves(t *testing.T) {
	var cfg config.Config
	there := together(t, 1, func(c *config.Config) { cfg = *c })[0]
	left := make(chan string, 100)
	defer there.Events().Subscribe(func(ev any) {
		if e, ok := ev.(*actor.PeerDown); ok {
			left <- e.Reason
		}
	})()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	defer there.Events().Subscribe(func(ev any) {
		if _, ok := ev.(*actor.PeerUp); ok {
			cancel()
		}
	})()
	cfg.Seeds = []string{there.Addr().String(), "127.0.0.1:1"} // the second is not reached soon
	cfg.Discovery.Host = false
	n, err := Start(ctx, cfg)
	if err == nil { // it was quicker
		stop(t, n)
	}
	if reason := receive(t, left); reason != "left" {
		t.Errorf("down: %s", reason)
	}
	if len(there.Peers()) != 0 {
		t.Error("a node that never started is a peer")
	}
}
