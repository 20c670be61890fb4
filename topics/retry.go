package topics

import (
	"time"

	"iris/actor"
)

// denied counts the retries that the budget of a cluster did not allow.
type denied struct {
	count uint64    // since it was told that this began; 0: it has not
	last  time.Time // the latest
}

// deniedOver is how long no retry may be denied until that is over.
const deniedOver = time.Second

// retry asks the budget for one more attempt of a request: retries are at most
// a tenth of the requests that this node makes of the cluster, and a burst of 10. The first few
// after members that were going or gone are made without asking, see call.judgeFailure. Overloaded
// is published when it begins to deny them, and Relieved with their number when it ends.
func (g *group) retry() bool {
	now := time.Now()
	g.mu.Lock()
	ok := g.bal.Retry()
	d := &g.denied
	begins, over := false, uint64(0)
	switch {
	case !ok:
		begins = d.count == 0
		d.count++
		d.last = now
	case d.count > 0 && now.Sub(d.last) > deniedOver:
		over, d.count = d.count, 0
	}
	g.mu.Unlock()
	what := "retries of requests to " + g.name()
	if begins {
		g.t.sys.Events().Publish(&actor.Overloaded{What: what, Dropped: 1})
	}
	if over > 0 {
		g.t.sys.Events().Publish(&actor.Relieved{What: what, Dropped: over})
	}
	return ok
}
