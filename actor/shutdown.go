package actor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stopGrace is how long Shutdown waits for handlers to return after its context ended.
const stopGrace = 2 * time.Second

// Shutdown ends all actors and then everything else; it returns when no goroutine of the system is left.
//
//	services, last created first: poison (children before parents, queued messages are handled)
//	  ──► ctx ended: stop (queued messages become dead letters)
//	  ──► root ──► pending replies: ErrClosed ──► timers ──► event hub (queued events are delivered) ──► workers
//
// Handlers that do not return cannot be ended: Shutdown gives up on them two seconds after ctx and returns an error that
// names them. It may be called more than once, also concurrently: all calls return the result of the first. It must
// not be called from a handler.
func (s *System) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.ended != nil {
		ended := s.ended
		s.mu.Unlock()
		<-ended
		return s.endErr
	}
	s.ended = make(chan struct{})
	services := slices.Clone(s.services)
	s.mu.Unlock()
	defer close(s.ended)

	s.closing.Store(true)
	slices.Reverse(services)
	for _, pid := range services {
		if s.Poison(ctx, pid) != nil {
			break
		}
	}
	s.root.stop("shutdown")
	graceful := ctx
	ctx, cancel := withGrace(ctx)
	defer cancel()
	var errs []error
	select {
	case <-s.root.ended():
		if graceful.Err() != nil {
			errs = append(errs, fmt.Errorf("shutdown was not graceful: %w", graceful.Err()))
		}
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("actors still busy: %s", s.busy()))
	}
	s.replies.close()
	s.letters.close()
	if err := s.timing.wait(ctx); err != nil {
		errs = append(errs, fmt.Errorf("timers still busy: %w", err))
	}
	errs = append(errs, s.events.close(ctx))
	if err := s.dispatcher.close(ctx); err != nil {
		errs = append(errs, fmt.Errorf("workers still busy: %w", err))
	}
	s.proto.Shutdown()
	s.endErr = errors.Join(errs...)
	return s.endErr
}

// withGrace ends stopGrace after ctx.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(stopGrace, cancel)
		context.AfterFunc(out, func() { t.Stop() })
	})
	return out, func() { stop(); cancel() }
}

// busy names the actors that did not end, the innermost of a chain only.
func (s *System) busy() string {
	var ids []string
	above := map[string]bool{}
	s.cells.each(func(c *cell) {
		ids = append(ids, c.pid.Id)
		if c.parent != nil {
			above[c.parent.pid.Id] = true
		}
	})
	ids = slices.DeleteFunc(ids, func(id string) bool { return above[id] })
	slices.Sort(ids)
	if len(ids) > 10 {
		ids = append(ids[:10], "...")
	}
	return strings.Join(ids, ", ")
}
