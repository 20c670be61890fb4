package node

import (
	"context"
	"errors"
	"fmt"

	"iris/actor"
	"iris/transport/wire"
)

// Stop leaves the network: clusters and topics are left first, so that no
// request reaches a node that will not answer it; then handlers finish what
// they have, tunnels close, links drain. What has not ended when ctx does is
// cut off; without a deadline the configured one applies. Stop returns when
// nothing of the node runs any more; further calls wait for the first and
// return its result.
func (n *Node) Stop(ctx context.Context) error {
	n.mu.Lock()
	if done := n.stopped; done != nil {
		n.mu.Unlock()
		<-done
		return n.stopErr
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
	n.stopErr = n.shutdown(ctx, wire.CodeLeave)
	if n.stopErr != nil {
		n.log.Info("node stopped", "error", n.stopErr)
	} else {
		n.log.Info("node stopped")
	}
	return n.stopErr
}

// shutdown ends the layers that exist, from the top down.
func (n *Node) shutdown(ctx context.Context, code wire.Code) error {
	var errs []error
	step := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", what, err))
		}
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
	if n.router != nil && code == wire.CodeLeave {
		step("router", n.router.Leave(ctx))
	}
	if n.endpoint != nil {
		step("transport", n.endpoint.Close(ctx, code, "the node stops"))
	}
	if n.watch != nil {
		n.watch()
	}
	n.watching.Wait()
	n.sys.Events().Publish(&actor.NodeStopped{})
	step("actors", n.sys.Shutdown(ctx))
	return errors.Join(errs...)
}
