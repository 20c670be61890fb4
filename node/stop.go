package node

import (
	"context"
	"errors"
	"fmt"

	"iris/actor"
	"iris/transport/wire"
)

// Stop leaves the network: programs on the relay are let go with a reason, after
// their answers have come; clusters and topics are left before anything else, so that no
// request reaches a node that will not answer it; then handlers finish what
// they have, tunnels close, links drain. What has not ended when ctx does is
// cut off; without a deadline the configured one applies. Stop returns when
// nothing of the node runs any more, handlers apart that do not return; its error
// names them. Further calls wait for the first, as far as their contexts allow,
// and return its result.
func (n *Node) Stop(ctx context.Context) error {
	n.mu.Lock()
	if done := n.stopped; done != nil {
		n.mu.Unlock()
		select {
		case <-done:
			return n.stopErr
		case <-ctx.Done():
			return fmt.Errorf("the node is stopping: %w", context.Cause(ctx))
		}
	}
	done := make(chan struct{})
	n.stopped = done
	n.mu.Unlock()
	defer close(done)

	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.cfg.Shutdown.Timeout)
		defer cancel()
	}
	n.sys.Events().Publish(&actor.NodeStopping{})
	n.stopErr = n.shutdown(ctx)
	n.gone.Store(true)
	if n.stopErr != nil {
		n.log.Info("node stopped", "error", n.stopErr)
	} else {
		n.log.Info("node stopped")
	}
	n.logs.Close()
	return n.stopErr
}

// over fails once Stop has come to its end. Until then handlers that finish what
// they have may still use the node.
func (n *Node) over() error {
	if n.gone.Load() {
		return actor.ErrClosed
	}
	return nil
}

// shutdown ends the layers that exist, from the top down.
func (n *Node) shutdown(ctx context.Context) error {
	n.mu.Lock()
	n.end(actor.ErrClosed) // cuts registrations short
	n.mu.Unlock()
	n.joining.Wait()
	var errs []error
	step := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", what, err))
		}
	}
	if n.relay != nil {
		step("relay", n.relay.Close(ctx, "the node is stopping"))
	}
	if n.discovery != nil {
		step("discovery", n.discovery.Close())
	}
	if n.topics != nil {
		step("topics", n.topics.Stop(ctx))
	}
	for _, h := range []*handlers{n.clusters, n.readers} {
		if h != nil {
			step(h.service, n.sys.Poison(ctx, h.pid))
		}
	}
	if n.tunnels != nil {
		step("tunnels", n.tunnels.Close(ctx))
	}
	if n.admin != nil {
		step("admin", n.admin.Close(ctx))
	}
	if n.inspector != nil {
		step("inspect", n.inspector.Close(ctx))
	}
	if n.router != nil {
		step("router", n.router.Leave(ctx))
	}
	if n.endpoint != nil {
		step("transport", n.endpoint.Close(ctx, wire.CodeLeave, "the node stops"))
	}
	if n.watch != nil {
		n.watch()
	}
	n.watching.Wait()
	step("tracing", n.tracing.Close(ctx))
	n.sys.Events().Publish(&actor.NodeStopped{})
	step("actors", n.sys.Shutdown(ctx))
	return errors.Join(errs...)
}
