// Package metrics tells the numbers of a node to Prometheus.
//
//	GET /metrics ─► Collector ─┬─► actors    counters and mailboxes, by service
//	                           ├─► links     peers, round trips, loss, lanes, memory
//	                           ├─► clusters  requests, by cluster
//	                           ├─► topics    events, by topic
//	                           ├─► the rest  tunnels, relay, discovery, events, endpoint
//	                           └─► Go and process collectors of the client library
//
// Everything is read when somebody asks: on the way of a message nothing is
// counted for this package, and nothing is kept here but what makes sums of
// things that come and go grow only (see growth).
//
// # Labels
//
// No label holds an id, an address or a path. Clusters and topics are labels for
// the first 100 of them that were seen, in the order of their names when they came
// together; the others are summed as "other". So the number of series has a bound
// that no peer and no program can move, see TestLabelsAreBounded.
//
// # Concurrency
//
// Collect may be called from any goroutine; calls wait for each other. Errors
// there are none: what cannot be read is not told.
package metrics
