package actor

import (
	"errors"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"

	proto "github.com/asynkron/protoactor-go/actor"
)

const (
	rootName = "iris"
	userID   = rootName + "/user"
	maxID    = 1024 // bytes of an actor id, a limit of the wire
)

// spawnRequest asks a supervisor for a child.
type spawnRequest struct {
	name  string
	props *Props
	pid   *PID  // result, valid when done is closed
	err   error // result
	done  chan struct{}
}

func (r *spawnRequest) finish(c *cell, err error) {
	if r.err = err; err == nil {
		r.pid = c.pid
	}
	close(r.done)
}

// Service starts the child iris/name of the root supervisor. Shutdown ends services in the reverse order of their
// creation. Blocks until the actor exists; ErrNameExists, ErrBadName, ErrClosed.
func (s *System) Service(name string, p *Props) (*PID, error) {
	pid, err := s.SpawnUnder(s.root.pid, name, p)
	if err == nil {
		s.mu.Lock()
		s.services = append(s.services, pid)
		s.mu.Unlock()
	}
	return pid, err
}

// SpawnUnder starts the child parent/name of a running actor made by Supervisor. It blocks until the child exists or the
// parent is gone, so it must not be called by the parent's own supervisor tree from within Receive of an actor that the
// parent waits for; any other goroutine is fine. A child of that name that is just ending is waited for.
// ErrNameExists, ErrBadName, ErrDraining, ErrNoActor, ErrClosed.
func (s *System) SpawnUnder(parent *PID, name string, p *Props) (*PID, error) {
	c := s.local(parent)
	if c == nil {
		return nil, fmt.Errorf("spawn %s: supervisor: %w", name, ErrNoActor)
	}
	if !c.props.supervisor {
		return nil, fmt.Errorf("spawn %s: %s is not a supervisor", name, c.pid.Id)
	}
	if s.closing.Load() {
		return nil, fmt.Errorf("spawn %s: %w", name, ErrClosed)
	}
	r := &spawnRequest{name: name, props: p, done: make(chan struct{})}
	if err := c.mb.post(r, true); err != nil {
		return nil, fmt.Errorf("spawn %s: supervisor: %w", name, err)
	}
	ended := c.ended()
	select {
	case <-r.done:
		return r.pid, r.err
	case <-ended:
		select { // both may be ready
		case <-r.done:
			return r.pid, r.err
		default:
			return nil, fmt.Errorf("spawn %s: supervisor: %w", name, ErrNoActor)
		}
	}
}

// Spawn starts a user actor iris/user/n. When the system is shut down the PID returned names no actor: what is sent to
// it becomes a dead letter.
func (s *System) Spawn(p *Props) *PID {
	for {
		name := strconv.FormatUint(s.nextName.Add(1), 10)
		pid, err := s.SpawnNamed(p, name)
		if errors.Is(err, ErrNameExists) {
			continue
		}
		if err != nil {
			return &PID{Address: s.node, Id: userID + "/" + name}
		}
		return pid
	}
}

// SpawnNamed starts the user actor iris/user/name. Errors as SpawnUnder.
func (s *System) SpawnNamed(p *Props, name string) (*PID, error) {
	return s.SpawnUnder(&PID{Address: s.node, Id: userID}, name, p)
}

// Spawn implements Context.
func (g *guard) Spawn(p *Props) *PID {
	for {
		name := strconv.FormatUint(g.cell.sys.nextName.Add(1), 10)
		c, err := g.spawn(p, name)
		if errors.Is(err, ErrNameExists) {
			continue
		}
		if err != nil {
			return &PID{Address: g.cell.sys.node, Id: g.cell.pid.Id + "/" + name}
		}
		return c.pid
	}
}

// SpawnNamed implements Context.
func (g *guard) SpawnNamed(p *Props, name string) (*PID, error) {
	c, err := g.spawn(p, name)
	if err != nil {
		return nil, fmt.Errorf("spawn %s: %w", name, err)
	}
	return c.pid, nil
}

// spawn starts a child on the actor's own turn.
func (g *guard) spawn(p *Props, name string) (*cell, error) {
	parent := g.cell
	id := parent.pid.Id + "/" + name
	switch {
	case !validName(name) || len(id) > maxID:
		return nil, ErrBadName
	case parent.kids[id] != nil:
		return nil, ErrNameExists
	case parent.stopped || parent.draining || phase(parent.phase.Load()) != phaseAlive:
		return nil, ErrDraining
	}
	c := newCell(parent.sys, parent, id, p)
	if !parent.sys.cells.add(c) {
		return nil, ErrNameExists
	}
	if parent.kids == nil {
		parent.kids = map[string]*kid{}
	}
	parent.kids[id] = &kid{cell: c}
	if err := parent.birth.of(c, name, parent.ctx); err != nil {
		delete(parent.kids, id)
		parent.sys.cells.remove(c)
		return nil, fmt.Errorf("%w: %w", ErrNameExists, err)
	}
	return c, nil
}

// spawnFor answers a SpawnUnder.
func (g *guard) spawnFor(r *spawnRequest) {
	id := g.cell.pid.Id + "/" + r.name
	if k := g.cell.kids[id]; k != nil && k.cell.gone.Load() {
		// its end was announced and is not handled yet
		if g.cell.waiting == nil {
			g.cell.waiting = map[string][]*spawnRequest{}
		}
		g.cell.waiting[id] = append(g.cell.waiting[id], r)
		return
	}
	c, err := g.spawn(r.props, r.name)
	if err != nil {
		err = fmt.Errorf("spawn %s: %w", r.name, err)
	}
	r.finish(c, err)
}

// validName reports whether name can be the last part of an id. It may contain '/'.
func validName(name string) bool {
	if name == "" || !utf8.ValidString(name) || name[0] == '/' || name[len(name)-1] == '/' {
		return false
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// spawnRoot starts the root supervisor. Its failures have nowhere to go, so it has none: it runs no user code.
func (s *System) spawnRoot() error {
	p := Supervisor(Strategy{MaxRestarts: -1})
	s.root = newCell(s, nil, rootName, p)
	s.cells.add(s.root)
	return new(birth).of(s.root, rootName, s.proto.Root)
}

var _ proto.Mailbox = (*mailbox)(nil)
