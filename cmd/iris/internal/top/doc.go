// Package top watches a network: what a node tells, asked again and again, with the
// rates between two answers.
//
//	          Collect                        Update                View
//	node ──────────────► Snapshot ──┐
//	  ▲                             ├──► Model (page, order, ──► tables ──► full screen
//	  └─── tick, key ◄──────────────┘     pause, scroll)    └──► Text, where there is none
//
// [Model] is a model of bubbletea, a pure state machine: what it is told comes in
// as messages, and questions go out as commands. [Run] gives it a terminal.
//
// # Errors
//
// An answer that does not come is shown, and asked for again; what was known before
// stays.
package top
