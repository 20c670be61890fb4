package logs

import (
	"context"
	"io"
	"log/slog"
	"math"
	"strings"

	"iris/internal/printable"
	"iris/node/config"
)

// Keys of attributes that the handlers look at.
const (
	Subsystem = "subsystem" // which part of the node a logger belongs to
	actorKey  = "actor"     // of the loggers that handlers are given
)

// Logs is the log of one node. All methods are safe for concurrent use.
type Logs struct {
	levels  map[string]*slog.LevelVar // by subsystem; the map never changes
	repeats *repeats
	handler slog.Handler
}

// New returns a log that writes as c says, to w unless c names another writer or a
// handler. c has been validated. The caller must Close it.
func New(c config.Log, w io.Writer) *Logs {
	if c.Writer != nil {
		w = c.Writer
	}
	first := c.Level
	if c.Handler != nil {
		first = math.MinInt // the handler decides
	}
	l := &Logs{levels: map[string]*slog.LevelVar{}, repeats: newRepeats()}
	for _, name := range config.Subsystems() {
		v := new(slog.LevelVar)
		v.Set(first)
		if own, err := config.ParseLevel(c.Levels[name]); err == nil {
			v.Set(own)
		}
		l.levels[name] = v
	}
	l.handler = &handler{logs: l, level: l.levels["node"], subsystem: "node", repeats: l.repeats, next: output(c, w)}
	return l
}

// output is the end of the chain. Handlers of slog quote in text what does not show
// as itself; in JSON that is up to us.
func output(c config.Log, w io.Writer) slog.Handler {
	everything := &slog.HandlerOptions{Level: slog.Level(math.MinInt)}
	switch {
	case c.Handler != nil:
		return c.Handler
	case c.Format == config.FormatJSON:
		return slog.NewJSONHandler(escaper{w}, everything)
	default:
		return slog.NewTextHandler(w, everything)
	}
}

// Logger returns a logger of the subsystem node; With the attribute Subsystem it
// becomes one of another.
func (l *Logs) Logger() *slog.Logger { return slog.New(l.handler) }

// SetLevel changes the level of a subsystem from now on; empty means all of them.
func (l *Logs) SetLevel(subsystem, level string) error {
	to, err := config.ParseLevel(level)
	if err != nil {
		return err
	}
	if subsystem != "" {
		if err := config.CheckSubsystem(subsystem); err != nil {
			return err
		}
		l.levels[subsystem].Set(to)
		return nil
	}
	for _, v := range l.levels {
		v.Set(to)
	}
	return nil
}

// Levels returns the level of each subsystem, in lower case.
func (l *Logs) Levels() map[string]string {
	out := make(map[string]string, len(l.levels))
	for name, v := range l.levels {
		out[name] = strings.ToLower(v.Level().String())
	}
	return out
}

// Close writes how often lines were repeated. Lines logged afterwards are written,
// each of them.
func (l *Logs) Close() { l.repeats.close() }

// handler is one logger's view of the log. It does not change.
type handler struct {
	logs      *Logs
	level     *slog.LevelVar
	subsystem string
	repeats   *repeats // nil: nothing is held back
	grouped   bool     // attributes are those of a group
	next      slog.Handler
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level.Level() && h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if h.repeats != nil && r.Level >= slog.LevelInfo && !h.repeats.admit(h, &r) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	for _, a := range attrs {
		switch {
		case h.grouped:
		case a.Key == Subsystem && h.logs.levels[a.Value.String()] != nil:
			c.subsystem = a.Value.String()
			c.level = h.logs.levels[c.subsystem]
		case a.Key == actorKey:
			c.repeats = nil
		}
	}
	c.next = h.next.WithAttrs(attrs)
	return &c
}

func (h *handler) WithGroup(name string) slog.Handler {
	c := *h
	c.grouped = c.grouped || name != ""
	c.next = h.next.WithGroup(name)
	return &c
}

// escaper makes lines of JSON fit for terminals.
type escaper struct{ w io.Writer }

func (e escaper) Write(p []byte) (int, error) {
	if _, err := e.w.Write(printable.JSON(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
