package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"iris/actor"
	"iris/node/inspect"
)

// Bounds and times. See the package documentation.
const (
	maxConns    = 256
	maxCrowd    = 2 * maxConns // from there on connections are closed without a word
	maxStreams  = 64           // of events
	maxReports  = 32           // queries at once
	maxHeader   = 16 << 10     // bytes
	maxBody     = 64 << 10
	streamQueue = 256 // events, beside the hub's

	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = time.Minute
	reportTimeout  = 2 * time.Second
	commandTimeout = time.Minute
	streamTimeout  = 10 * time.Second // for a reader of events to take some
	heartbeat      = 15 * time.Second
	closeTimeout   = time.Second // for answers under way
)

// Config says what the endpoint shows. All fields but those marked are required.
type Config struct {
	System *actor.System
	Asker  inspect.Asker
	Logger *slog.Logger

	// State is how far the node is in its life: joining, ready, draining, stopping.
	State func() string

	// Listen is the TCP address: host:port, or a port alone for both loopback
	// interfaces, 127.0.0.1 and [::1]; port 0 lets the system choose.
	Listen string

	// Token, if there is one, is what requests must show. An address that is not
	// loopback needs it, and Certificate.
	Token       []byte
	Certificate *tls.Certificate

	// Page, if there is one, serves the files of the dashboard. They are shown
	// without the token.
	Page http.Handler

	// Metrics, if there are any, makes the handler of GET /metrics. It gets the
	// server for what that counts itself.
	Metrics func(*Server) http.Handler

	// PProf offers /debug/pprof/.
	PProf bool
}

func (c Config) check() error {
	if c.System == nil || c.Asker == nil || c.Logger == nil || c.State == nil {
		return errors.New("admin: System, Asker, Logger and State are required")
	}
	return nil
}

// Server is the admin endpoint of a node.
type Server struct {
	cfg      Config
	log      *slog.Logger
	self     string // id of the node
	http     *http.Server
	crowd    []*crowd
	sessions *sessions
	reports  chan struct{} // a place per query under way
	streams  chan struct{} // a place per event stream
	refused  refusals
	life     context.Context // of requests
	end      context.CancelFunc
	work     sync.WaitGroup // listeners, and requests
	gone     chan struct{}  // closed when Close has come to its end

	mu      sync.Mutex // guards the following field, and work.Add of requests
	closing bool
}

// New opens the sockets and begins to answer. When it fails nothing is left open.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	listeners, err := listenAll(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger, self: cfg.System.Node(), gone: make(chan struct{}), sessions: newSessions(),
		reports: make(chan struct{}, maxReports), streams: make(chan struct{}, maxStreams),
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2: bounds count connections
		BaseContext:  func(net.Listener) context.Context { return s.life },
		ConnContext:  mark,
	}
	for _, l := range listeners {
		c := &crowd{Listener: l}
		s.crowd = append(s.crowd, c)
		served := net.Listener(c)
		if cfg.Certificate != nil {
			served = tls.NewListener(c, &tls.Config{Certificates: []tls.Certificate{*cfg.Certificate}, MinVersion: tls.VersionTLS12})
		}
		s.log.Info("admin listening", "addr", l.Addr().String())
		s.work.Go(func() {
			if err := s.http.Serve(served); !errors.Is(err, http.ErrServerClosed) {
				s.log.Error("admin listener failed", "error", err)
			}
		})
	}
	return s, nil
}

// Addrs returns the addresses that it listens on, at least one.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.crowd))
	for i, c := range s.crowd {
		addrs[i] = c.Addr()
	}
	return addrs
}

// URLs returns where a browser finds the endpoint, at least one.
func (s *Server) URLs() []string {
	scheme := "http://"
	if s.cfg.Certificate != nil {
		scheme = "https://"
	}
	var urls []string
	for _, a := range s.Addrs() {
		urls = append(urls, scheme+a.String()+"/")
	}
	return urls
}

// Refused returns how many requests and connections were refused, by reason.
func (s *Server) Refused() map[string]uint64 {
	counts := map[string]uint64{}
	for why, name := range reasonNames {
		counts[name] = s.refused[why].Load()
	}
	for _, c := range s.crowd {
		counts[reasonNames[tooMany]] += c.turned.Load()
	}
	return counts
}

// Streams returns how many read events.
func (s *Server) Streams() int { return len(s.streams) }

// Close takes no more requests, ends the event streams and what is being asked,
// and waits for all of that; answers have a second to be read, or until ctx ends.
// Further calls wait for the first.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	first := !s.closing
	s.closing = true
	s.mu.Unlock()
	if !first {
		select {
		case <-s.gone:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	defer close(s.gone)
	s.end()
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // cuts off who does not read
	}
	s.work.Wait()
	return nil
}

// enter counts a request in, for Close to wait for it.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.work.Add(1)
	return true
}
