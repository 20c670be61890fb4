// Iris sends and receives messages of an Iris network, and runs and inspects its
// nodes.
//
//	iris request CLUSTER [BODY|-]       ask one member, print its reply
//	iris reply CLUSTER --echo           answer requests; or --text, or -- COMMAND
//	iris broadcast CLUSTER [BODY|-]     send to every member
//	iris listen CLUSTER                 print broadcasts
//	iris publish TOPIC [BODY|-]         send to every subscriber
//	iris subscribe TOPIC...             print events
//	iris tunnel CLUSTER [--serve]       netcat
//
//	iris status [--all], peers, clusters [NAME], topics [NAME], tunnels, actors [PARENT]
//	                                    show a node, or with --node any of its network
//	iris events -f                      print events as they come
//	iris top                            watch a network
//	iris trace CLUSTER|TOPIC            show the way that a message takes
//	iris doctor [-c node.yaml]          find what is wrong, and what mends it
//	iris drain                          make a node take nothing new
//	iris bundle                         collect what a report about a problem needs
//
//	iris node [-c node.yaml]            run a node until SIGTERM or SIGINT
//	iris config check FILE              report every problem of a config file
//	iris config show [-c FILE]          print the effective configuration
//	iris keygen [-o FILE]               make a network key
//	iris context add|use|list|show|remove
//	                                    remember nodes by name
//	iris sim join|churn|kill|partition|publish|balance
//	                                    run overlay, trees, balancers in a simulator
//	iris bench pub|request|broadcast|tunnel|ring|soak   measure Iris on this machine
//	iris completion SHELL, iris man DIR, iris version
//
// Results go to standard output, everything else to standard error. The exit
// status is 0 if all went well, 1 if something failed, 2 if the command line was
// wrong, 3 if nobody was there or not in time. Nothing asks questions; a terminal
// gets a little colour unless NO_COLOR is set. docs/cli.md is for users.
//
// # A command that talks
//
//	manuals ──► help, man page, which of the sharedFlags it takes
//	   │
//	talker ──► check: mistakes of the command line, status 2
//	   │
//	   └────► run ──► relayFlags: --relay, context, this host ──► node/relay/client
//	                    │
//	     sends ── turns ┤                        ┌── count reached, nothing came: the end
//	     waits ── handlers ──► printer, intake ──┴── ctrl-c: the end, in order
//
// # A command that looks
//
//	inspectManuals ──► help, man page
//	   │
//	 asker ──► adminFlags: --admin, context, this host; --node ──► session ──► node/admin/client
//	   │                                                             │
//	   └── --json: what the node told, item by item, as it came ◄────┤
//	       else:   internal/view ──► internal/table ◄────────────────┘
//
// Everything that a node tells may come from elsewhere: internal/table escapes what
// could act on a terminal, in tables and in JSON.
//
// # Lifecycle of a node
//
//	load config ─► node.Start ─► "node ID listening on ADDR" on standard output,
//	                                 │        and "relay listening on ADDR, ADDR"
//	                                 │
//	               SIGTERM, SIGINT ──┴─► drained stop, at most shutdown.timeout ─► 0
//	               second signal ──────► out at once ─► 1
//
// # Concurrency
//
// The node does its own work; its command waits for signals and writes the
// node's events to the log from the event hub's goroutine. Commands that talk
// close their connection before they end, which waits for their handlers; only
// the goroutine that reads standard input ends with the process.
//
// # Errors
//
// Every problem of a configuration is reported at once, with its position; other
// errors as one line saying what failed and, where there is one, the next step.
package main
