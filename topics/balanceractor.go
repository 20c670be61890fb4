package topics

import "iris/actor"

// balancerActor is iris/topics/balancer/<cluster>: it tells of members that come
// and go. The choice itself is made on the senders' goroutines under the group's
// lock.
type balancerActor struct {
	t *Topics
	g *group
}

func (b *balancerActor) Receive(ctx actor.Context) {
	msg, ok := ctx.Message().(*membersChanged)
	if !ok {
		return
	}
	for _, e := range msg.left {
		b.t.sys.Events().Publish(&actor.MemberLeft{Cluster: b.g.key.Name, Peer: e.Node.String(), Members: int(e.Members)})
	}
	for _, e := range msg.joined {
		b.t.sys.Events().Publish(&actor.MemberJoined{Cluster: b.g.key.Name, Peer: e.Node.String(), Members: int(e.Members)})
	}
}
