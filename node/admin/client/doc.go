// Package client asks a node's admin endpoint: the reports of package inspect, of
// that node or of any other through it, its events as they come, and its commands.
//
//	program ── Get, List, Node, Network ──► GET  /api/v1/WHAT, /api/v1/nodes/ID/WHAT
//	        ── Events ────────────────────► GET  /api/v1/events      (server-sent events)
//	        ── Do ────────────────────────► POST /api/v1/COMMAND
//	        ── Text ──────────────────────► GET  /metrics, /debug/pprof/goroutine
//
// # Lifecycle
//
// [New] connects to nothing; each call opens a connection or takes one that is
// idle. [Client.Close] closes the idle ones.
//
// # Concurrency
//
// All methods may be called from any goroutine. They block until the answer is
// there or ctx ends, and read no more than [MaxAnswer] bytes of it.
//
// # Errors
//
// What the endpoint refuses is an [*Error] with its HTTP status. Everything else
// is an error of the way there: those of packages net, crypto/x509 and context.
package client
