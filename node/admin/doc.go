// Package admin is the HTTP endpoint of a node for people and tools.
//
//	browser, iris status, Prometheus, a prober
//	        │ HTTP/1.1, HTTPS with a certificate
//	        ▼
//	listener ─► connections ─► who asks? ─► what? ──► /                 the page (package dashboard)
//	loopback,   256, 512       host name    method    /healthz /readyz  alive, joined and not draining
//	or token    and one SSE    origin       path      /metrics          counters, read when asked
//	and TLS     in four        token                  /api/v1/…         reports ─► inspect.Asker ─► this node, any node
//	                                                  /api/v1/events    what happens, as it happens
//	                                                  POST /api/v1/…    commands ─► events of the node
//
// docs/admin.md is the reference for those who ask.
//
// # Who may ask
//
// On the loopback interface and without a token everybody on the host may look.
// A web page that the user has open elsewhere may not: requests must name the
// host as localhost or by a loopback address, which a page that was loaded from
// another name cannot do, and what a browser says of the origin must be the
// endpoint itself. Commands need a header besides, which foreign pages cannot
// set. With a token every request must show it, but for the probes and the files
// of the page, which tell nothing about the node: as a bearer token, or, in a
// browser, as the cookie that POST /login gives for it. Any other address than
// loopback needs a token and a certificate.
//
// # Bounds
//
// 256 connections are served; further ones are told so with 503, up to 512, from
// where on they are closed. 64 of them may be event streams. A report takes at
// most 2 s, a command 60 s; a client that does not read is cut off after 30 s, a
// reader of events after 10 s. Headers have 16 KiB, bodies 64 KiB. What is not
// taken is counted by reason (iris_admin_refused_total).
//
// # Concurrency
//
// New starts one goroutine per listener; the server has one per connection, an
// event stream one more, which is the hub's. Close ends all of them and waits.
// Nothing here is on the way of a message: counters are read when somebody asks.
package admin
