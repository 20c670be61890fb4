package metrics

import (
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"iris/actor"
	"iris/node/discovery"
	"iris/router"
	"iris/topics"
	"iris/transport"
	"iris/tunnels"
)

// Config says whose numbers are told. All fields are required.
type Config struct {
	System    *actor.System
	Endpoint  *transport.Endpoint
	Router    *router.Router
	Topics    Books
	Tunnels   *tunnels.Tunnels
	Discovery func() discovery.Stats
	Relay     func() int    // programs attached to it
	State     func() string // of the node: joining, ready, draining, stopping
	Admin     Admin
	Version   string // of the program
	Network   string
	Zone      string
}

// Books are what is counted by cluster and by topic. *topics.Topics has them.
type Books interface {
	CountClusters(func(name string, c topics.ClusterCounts))
	CountTopics(func(name string, c topics.TopicCounts))
}

// Admin is what the admin endpoint tells of itself.
type Admin interface {
	Refused() map[string]uint64 // requests and connections, by reason
	Streams() int               // readers of events
}

const scrapeTimeout = 10 * time.Second

// Collector reads the numbers of a node for Prometheus.
type Collector struct {
	cfg Config

	mu       sync.Mutex // guards the following fields
	parts    names
	links    linkGrowth
	clusters clusterGrowth
	topics   topicGrowth
}

// New returns the handler of GET /metrics. At most two scrapes run at once.
func New(cfg Config) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(newCollector(cfg), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, DisableCompression: true, MaxRequestsInFlight: 2, Timeout: scrapeTimeout,
	})
}

func newCollector(cfg Config) *Collector {
	return &Collector{cfg: cfg, links: linkGrowth{}}
}

// Families returns every metric of a node, in the order of the documentation.
// Those of Go and of the process come beside them.
func Families() []*Family {
	var all []*Family
	for _, part := range [][]*Family{nodeFamilies, actorFamilies, linkFamilies, clusterFamilies, topicFamilies, tunnelFamilies, otherFamilies} {
		all = append(all, part...)
	}
	return all
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range Families() {
		out <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := scrape{out}
	c.node(s)
	c.actors(s)
	c.peers(s)
	c.requests(s)
	c.events(s)
	c.pipes(s)
	c.others(s)
}

var (
	info  = gauge("iris_node_info", "1, with what the node is in the labels.", "version", "go_version", "network", "zone")
	ready = gauge("iris_ready", "1 if the node has joined its network and does not drain or stop, else 0.")

	nodeFamilies = []*Family{info, ready}
)

func (c *Collector) node(s scrape) {
	s.put(info, 1, c.cfg.Version, runtime.Version(), c.cfg.Network, c.cfg.Zone)
	s.put(ready, truth(c.cfg.State() == "ready"))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
