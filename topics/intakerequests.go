package topics

import (
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

// requests is what an intake knows between two calls of Flush about those that came
// together: they are handed on one by one, to members of their own.
type requests struct {
	node    id.ID
	cluster *group    // of the latest; nil: not looked up
	came    time.Time // when the first came
}

func (r *requests) flush() { r.cluster, r.came = nil, time.Time{} }

// request hands a request to the least loaded member here, or answers why not. A
// request without an id is a send to one member: nobody is answered.
func (in *intake) request(f *wire.Request) {
	r := &in.requests
	if r.came.IsZero() {
		r.came = time.Now()
	}
	if r.cluster == nil || r.cluster.key.Name != f.Cluster {
		r.cluster = in.t.find(wire.GroupCluster, f.Cluster)
	}
	switch err := in.take(r.cluster, f); {
	case err == nil:
	case f.ID == 0:
		in.t.dropped(err, "cluster/"+f.Cluster, f.Body.Type, 1)
	default:
		in.t.refuse(r.node, f.ID, err, r.cluster)
	}
}

// take gives a request to a member of g, which is nil if this node does not know the
// cluster. On error it was not executed.
func (in *intake) take(g *group, f *wire.Request) error {
	if g == nil || len(*g.local.Load()) == 0 {
		return actor.ErrNoActor
	}
	msg, err := decode(&f.Body, in.keep)
	if err != nil {
		if f.ID != 0 { // else the caller counts it
			in.t.dropped(err, g.name(), f.Body.Type, 1)
		}
		return err
	}
	m := &actor.Inbound{
		Delivery: actor.Delivery{
			Kind: actor.Request, Cluster: g.key.Name, Origin: in.from, Deadline: transport.Deadline(in.requests.came, f.TTLMs), Trace: f.Trace,
		},
		Message: msg, Size: len(f.Body.Data), From: in.from, ReplyTo: f.ID, Posted: in.requests.came,
	}
	if f.ID == 0 {
		m.Kind, m.Deadline = actor.Tell, time.Time{}
	}
	return in.t.accept(g, m, f.Key)
}

// decode makes the message of a body. keep tells whether its bytes may be kept.
func decode(b *wire.Body, keep func(n int) bool) (any, error) {
	if b.Type == "" && keep(len(b.Data)) {
		return actor.Bytes(b.Data), nil
	}
	return actor.Decode(b.Type, b.Data)
}
