// Package acceptance shows the figures that the project promises, with real
// processes and real sockets.
//
//	go test ./internal/acceptance -v -args -rows            # every row that needs no root, about 5 minutes
//	go test ./internal/acceptance -v -run Flood -args -rows # one of them
//
// Without -rows only short versions run, which check behaviour and no time:
// they are part of "go test ./...".
//
//	test ──stdin/stdout, JSON lines──▶ worker (the test binary again, a process per node)
//	                                   worker ◀══ Iris ══▶ worker
//
// A worker is driven by calls: start a node, register a handler, run a load,
// tell what events were seen. Each row prints what it measured, whether it
// holds or not. Beside the rows, the samples and the program of the README are
// run as a reader would run them.
package acceptance
