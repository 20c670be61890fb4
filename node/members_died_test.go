package node

import (
	"errors"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/node/config"
	"iris/topics"
)

// When the nodes of all members die, and the root of the cluster with them, who asks is told that nobody serves it, at once,
// from 10 s later on; until then no request is executed, and each ends with one of the errors that say so or leave it open.
func TestWorldLosesAllMembers(t *testing.T) {
	long(t)
	const dead, settled = 4, 10 * time.Second
	for name, overlay := range map[string]config.Overlay{"mesh": {}, "structured": {MeshMax: 4, LeafSet: 4}} {
		for _, rootToo := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				inWorldOf(t, 14, time.Millisecond, func(c *config.Config) { c.Overlay = overlay }, func(t *testing.T, w *world) {
					pass(30 * time.Second)
					members, others := w.nodes[:dead], w.nodes[dead:]
					for _, x := range members {
						if _, err := x.Register("work", actor.Func(echo)); err != nil {
							t.Fatal(err)
						}
					}
					lost := append([]*worldNode(nil), members...)
					var askers []*worldNode
					for _, x := range others {
						if x.router.Routes().Root(topics.Key(actor.Request, "work")) == x.endpoint.ID() && rootToo {
							lost = append(lost, x)
						} else {
							askers = append(askers, x)
						}
					}
					for range 50 { // one knows the members, another one asks for the first time then
						if _, err := askers[0].Request(t.Context(), "work", actor.Bytes("x")); err != nil {
							t.Fatal(err)
						}
					}
					died := time.Now()
					for _, x := range w.nodes {
						for _, y := range lost {
							if x != y {
								w.air.cut(x, y, true)
								w.air.cut(y, x, true)
							}
						}
					}
					var wg sync.WaitGroup
					var mu sync.Mutex
					last := map[error]time.Duration{}
					for time.Since(died) < 2*settled {
						pass(500 * time.Millisecond)
						for _, a := range askers[:2] {
							wg.Go(func() {
								asked := time.Since(died)
								_, err := a.Request(t.Context(), "work", actor.Bytes("x"))
								for _, of := range []error{actor.ErrLost, actor.ErrUnreachable, actor.ErrTimeout, actor.ErrNoMembers} {
									if errors.Is(err, of) {
										mu.Lock()
										defer mu.Unlock()
										last[of] = max(last[of], asked)
										if late := asked > settled; late && (of != actor.ErrNoMembers || time.Since(died) > asked) {
											t.Errorf("asked after %v, told %v after %v", asked, err, time.Since(died)-asked)
										}
										return
									}
								}
								t.Errorf("asked after %v: %v", asked, err)
							})
						}
					}
					wg.Wait()
					t.Logf("the last times of being told: %v", last)
				})
			})
		}
	}
}
