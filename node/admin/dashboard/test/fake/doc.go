// Command fake serves the dashboard with a network that does not exist: as many
// nodes, clusters, topics and actors as asked for, with names as hostile as they
// get. It is for working on the page and for its tests.
//
//	go run ./node/admin/dashboard/test/fake -nodes 300 -actors 100000 -hostile
//
//	world.go    what there is: made once from a seed
//	reports.go  what the world looks like now, as package inspect reports it
//	main.go     HTTP: the page, the reports, the events
//
// # Lifecycle and concurrency
//
// The world is made once and only read; whatever changes in a report is computed
// from the time since the start. It runs until it is killed.
//
// # Errors
//
// A node that is not there, or that is down, is answered as the real endpoint
// answers it: a status and {"error":"text"}.
package main
