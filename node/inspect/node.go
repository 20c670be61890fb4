package inspect

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"iris/router"
)

// node answers "node".
func (i *Inspector) node(context.Context, Query) (any, error) { return i.describe(), nil }

func (i *Inspector) describe() Node {
	routes := i.cfg.Router.Routes()
	about, sys := i.cfg.About, i.cfg.System
	counters := sys.Counters()
	n := Node{
		ID: i.self, Name: about.Name, Network: about.Network, Addr: i.cfg.Endpoint.Addr().String(), Zone: about.Zone,
		Labels: about.Labels, Version: Version(), GoVersion: runtime.Version(), PID: os.Getpid(), Started: about.Started, Now: i.cfg.Now(),
		Incarnation: sys.Incarnation(), State: i.cfg.State(), Form: form(routes),
		Actors: sys.Actors(), Tunnels: i.cfg.Tunnels.Len(), Sent: counters.Sent, Delivered: counters.Delivered, Failures: counters.Failures, Restarts: counters.Restarts,
		HeapBytes: heapBytes(), MemoryLimit: about.MemoryLimit, Goroutines: runtime.NumGoroutine(),
	}
	if a := i.cfg.Endpoint.TunnelAddr(); a != nil {
		n.TunnelAddr = a.String()
	}
	n.Clusters, n.Topics = i.cfg.Topics.Roles()
	for _, p := range routes.Peers() {
		n.Peers++
		if p.State == router.Suspect {
			n.Suspects++
		}
	}
	for _, d := range counters.Dropped {
		n.Dropped += d
	}
	if i.cfg.Relay != nil {
		n.Relay = len(i.cfg.Relay())
	}
	if i.cfg.Attach != nil {
		n.RelayAddrs = i.cfg.Attach()
	}
	return n
}

func form(r *router.Routes) string {
	if r.Structured() {
		return "structured"
	}
	return "mesh"
}

// Version is that of the module this program was built from.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

// heapBytes reads what the heap holds, without stopping anybody.
func heapBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
