package main

// What several commands that ask the admin endpoint say alike.
const pagesText = `The first --limit are asked for; what is left out is told on standard error.`

// inspectManuals are the commands that ask the admin endpoint.
func inspectManuals() map[string]manual {
	return map[string]manual{
		"status": {
			use: "status", short: "Show a node, or all nodes",
			long: `Show how a node is: its state, its peers, what it serves, what it dropped. With
--all one line for each node of the network, as the first one knows it.`,
			example: "  iris status\n  iris status --all\n  iris status --node 3f2a --json",
		},
		"peers": {
			use: "peers", short: "List the peers of a node",
			long: `List the nodes that a node is linked with, in the order of the ring: round-trip
time, loss, bytes both ways, what waits in the lanes and what they refused. With
--lanes one line for each lane.`,
			example: "  iris peers\n  iris peers --lanes\n  iris peers --node db1.example",
		},
		"clusters": {
			use: "clusters [NAME]", short: "List the clusters that a node serves or asks",
			long: `List clusters: members, requests in flight, waiting, answered and failed, and their
time at members of this node; what the node itself asked. With NAME that one, and
the nodes that serve it with their load. ` + pagesText,
			example: "  iris clusters\n  iris clusters orders\n  iris clusters --limit 0 --json",
		},
		"topics": {
			use: "topics [NAME]", short: "List the topics with subscribers on a node, or that pass through",
			long: `List topics: the parent and the number of children in the tree of each, how many
events were published here, delivered to subscribers and passed on, and gaps. With
NAME that one, and its children. ` + pagesText,
			example: "  iris topics\n  iris topics news",
		},
		"tunnels": {
			use: "tunnels", short: "List the tunnels of a node",
			long: `List tunnels: bytes and rates both ways, how much may still be sent (credit), how
much waits to be read, and for how long there has been no credit. ` + pagesText,
			example: "  iris tunnels",
		},
		"actors": {
			use: "actors [PARENT]", short: "List the actors of a node",
			long: `List the actors below PARENT, or at the top: how many there are in the subtree of
each, what waits in the mailbox and since when, time spent at work, failures. With
--deep all at any depth below it, each by itself. ` + pagesText,
			example: "  iris actors\n  iris actors iris/clusters/orders\n  iris actors --deep --sort -busy_us --limit 10",
		},
		"events": {
			use: "events -f", short: "Print the events of a node as they come",
			long: `Print what happens on the node that has the endpoint, one event per line, from now
on until ctrl-c, or --count events. An event that is too long for a line is cut; --json has all of it.
When events come faster than they are printed, EventsLost says how many are missing.`,
			example: "  iris events -f\n  iris events -f --kind PeerUp,PeerDown\n  iris events -f --contains orders --json\n  iris events --count 1 --kind HandlerFailed",
		},
		"trace": {
			use: "trace CLUSTER|TOPIC", short: "Show the way that a message takes",
			long: `Show the hops from a node to a cluster, or to the subscribers of a topic, as a tree:
why each is taken, its delay, and the delay from the beginning. A delay is half the
round-trip time that the node at its beginning measures. A name is that of a
cluster if there is one, else of a topic.`,
			example: "  iris trace orders\n  iris trace news --topic\n  iris trace orders --node 3f2a --json",
		},
		"drain": {
			use: "drain", short: "Make a node take nothing new",
			long: `Make a node leave its clusters and topics. It finishes what it has accepted, stays in
the network, and is no longer ready; the process goes on until it is told to stop.
Returns when that is done.`,
			example: "  iris drain --timeout 1m\n  iris drain --node 3f2a",
		},
		"top": {
			use: "top", short: "Watch a network",
			long: `Watch nodes, clusters, actors and dead letters on the whole screen. Where standard
output is no terminal, or with --once, it prints what there is, and without --once
again after each --interval.

Keys: 1 to 4 or tab choose what is shown, arrows scroll, s sorts by the next column,
r reverses, p pauses, + and - change the interval, ? tells more, q quits.`,
			example: "  iris top\n  iris top --once\n  iris top --interval 10s >top.log",
		},
		"doctor": {
			use: "doctor [ADDRESS...]", short: "Find what keeps a node from working well, and the command that mends it",
			long: `Look at this host, at the configuration, and, if a node runs, at its network: UDP
buffers and offload, MTU, ports in use, open files, clock source, IPv6, who can read
the key, whether broadcast and multicast come back, who answers at the seeds and at
each ADDRESS and with which key, clocks and versions of the peers. Each finding is ok,
warn, fail or skipped, and says why it matters and what mends it.

It works without a running node. The exit status is 1 if something fails.`,
			example: "  iris doctor -c node.yaml\n  iris doctor -c node.yaml 10.0.0.7:7000\n  iris doctor --json | jq 'select(.verdict != \"ok\")'",
		},
		"bundle": {
			use: "bundle", short: "Collect what a report about a problem needs",
			long: `Write an archive (tar.gz) about a node: what it tells of itself, its peers, ring,
clusters, topics, tunnels, actors and dead letters, the network, its configuration,
metrics, the events of the next seconds, goroutines if admin.pprof is on, what
iris doctor finds, version and facts of this host. The names of what was written
go to standard error, that of the archive to standard output. What could not be had is
told in errors.txt.

The key of the network is not in it: secrets are masked where they are printed, and
what looks like one is taken out of everything else. Names of nodes, clusters,
topics, addresses and labels are in it.`,
			example: "  iris bundle\n  iris bundle -o problem.tar.gz -c node.yaml --events 30s",
		},
	}
}
