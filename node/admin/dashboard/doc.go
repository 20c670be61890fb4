// Package dashboard is the page that shows a network: one document with its
// modules, style and icon, embedded in the program.
//
//	browser ──GET /, /*.js, /*.css──► Handler       (this package: files, no data)
//	        ──GET /api/v1/…──────────► node/admin   (reports of package inspect)
//	        ──GET /api/v1/events─────► node/admin   (server-sent events)
//	        ──POST /api/v1/…─────────► node/admin   (commands, after a question)
//
//	page/app.js     starts the rest, refreshes what is seen once a second
//	page/place.js   where the reader is: view, node, thing; kept in the address
//	page/api.js     asks; page/events.js  listens
//	page/ring.js    the nodes on their circle; page/links.js  the links between them
//	page/views/     one file per view; only the one in sight asks anything
//
// There is no framework and no build step: what is in the folder is what the
// browser gets, and it needs nothing from any other host.
//
// # Hostile names
//
// Names of clusters, topics, actors and nodes come from the network. The page
// puts text into the document as text only, shows control characters and
// changes of the writing direction as their code, and is served under a content
// security policy that allows no inline script or style and no other host.
//
// # Lifecycle and concurrency
//
// Handler reads the embedded files once. What it returns has no state that
// changes, and may be used by any number of goroutines.
//
// # Errors
//
// A path without a file is answered with 404, a method other than GET and HEAD
// with 405.
package dashboard
