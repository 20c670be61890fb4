package node

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"

	"iris/actor"
)

// handlers spawns and ends the program's handler actors of one kind of name:
//
//	iris/<service> ── <name> ── 1, 2, 3, ...
//
// A name has one supervisor for all its registrations; it is made with the
// first and ends with the last.
type handlers struct {
	sys     *actor.System
	service string     // "clusters" or "readers"
	pid     *actor.PID // iris/<service>

	mu     sync.Mutex // guards groups and what they hold
	groups map[string]*group
}

// group is the supervisor of one name.
type group struct {
	pid   *actor.PID
	users int           // handlers, and spawns under way
	last  int           // number given last
	ended chan struct{} // closed when the supervisor has ended, once users was 0
}

func newHandlers(sys *actor.System, service string) (*handlers, error) {
	pid, err := sys.Service(service, actor.Supervisor(actor.Strategy{MaxRestarts: -1}))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", service, err)
	}
	return &handlers{sys: sys, service: service, pid: pid, groups: make(map[string]*group)}, nil
}

// hold returns the group of name with n users more, making it, and waiting for
// one that is ending.
func (h *handlers) hold(ctx context.Context, name string, n int) (*group, int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		g := h.groups[name]
		if g != nil && g.users > 0 {
			g.users += n
			first := g.last + 1
			g.last += n
			return g, first, nil
		}
		if g == nil {
			pid, err := h.sys.SpawnUnder(h.pid, url.PathEscape(name), actor.Supervisor(actor.Strategy{}))
			if err != nil {
				return nil, 0, err
			}
			h.groups[name] = &group{pid: pid, users: n, last: n, ended: make(chan struct{})}
			return h.groups[name], 1, nil
		}
		h.mu.Unlock()
		select {
		case <-g.ended:
		case <-ctx.Done():
			h.mu.Lock()
			return nil, 0, context.Cause(ctx)
		}
		h.mu.Lock()
	}
}

// spawn starts n handlers under the supervisor of name.
func (h *handlers) spawn(ctx context.Context, name string, props *actor.Props, n int) (*group, []*actor.PID, error) {
	g, first, err := h.hold(ctx, name, n)
	if err != nil {
		return nil, nil, err
	}
	pids := make([]*actor.PID, 0, n)
	for i := range n {
		pid, err := h.sys.SpawnUnder(g.pid, strconv.Itoa(first+i), props)
		if err != nil {
			return nil, nil, errors.Join(err, h.release(ctx, name, g, n-len(pids)), h.end(ctx, name, g, pids))
		}
		pids = append(pids, pid)
	}
	return g, pids, nil
}

// end poisons handlers of g, and with the last of a name its supervisor.
func (h *handlers) end(ctx context.Context, name string, g *group, pids []*actor.PID) error {
	errs := make([]error, len(pids))
	var wg sync.WaitGroup
	for i, pid := range pids {
		wg.Go(func() { errs[i] = h.sys.Poison(ctx, pid) })
	}
	wg.Wait()
	return errors.Join(append(errs, h.release(ctx, name, g, len(pids)))...)
}

// release gives up n users of g.
func (h *handlers) release(ctx context.Context, name string, g *group, n int) error {
	h.mu.Lock()
	g.users -= n
	last := g.users == 0 && n > 0
	h.mu.Unlock()
	if !last {
		return nil
	}
	err := h.sys.Poison(ctx, g.pid)
	h.mu.Lock()
	delete(h.groups, name)
	h.mu.Unlock()
	close(g.ended)
	return err
}
