// Iris runs and inspects nodes of an Iris network.
//
//	iris keygen [-o FILE]               make a network key
//	iris node [-c node.yaml]            run a node until SIGTERM or SIGINT
//	iris config check FILE              report every problem of a config file
//	iris config show [-c FILE]          print the effective configuration
//	iris sim join|churn|kill|partition|publish|balance
//	                                    run overlay, trees, balancers in a simulator
//	iris bench pub|request|broadcast|tunnel|ring|soak   measure Iris on this machine
//	iris version                        print what this program is
//
// Results go to standard output, everything else to standard error. The exit
// status is 0 if all went well, 1 if something failed, 2 if the command line was
// wrong. Output has no colours and nothing asks questions.
//
// # Lifecycle of a node
//
//	load config ─► node.Start ─► "node ID listening on ADDR" on standard output
//	                                 │
//	               SIGTERM, SIGINT ──┴─► drained stop, at most shutdown.timeout ─► 0
//	               second signal ──────► out at once ─► 1
//
// # Concurrency
//
// The node does its own work; this command waits for signals and writes the
// node's events to the log from the event hub's goroutine.
//
// # Errors
//
// Every problem of a configuration is reported at once, with its position; other
// errors as one line saying what failed and, where there is one, the next step.
package main
