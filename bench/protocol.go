package main

import "time"

// command is what the driver tells a child, one JSON line.
type command struct {
	Op    string `json:"op"`
	Setup *setup `json:"setup,omitempty"` // of start
	Run   int64  `json:"run,omitempty"`
	Count int64  `json:"count,omitempty"` // events, requests or writes
	Size  int64  `json:"size,omitempty"`  // bytes each
	Lanes int    `json:"lanes,omitempty"` // topics at once, -1 for the one of all; or requests outstanding
	Nanos int64  `json:"nanos,omitempty"` // instead of a count
	File  string `json:"file,omitempty"`  // where profiles go, without the extension
}

// setup is what a part needs to begin.
type setup struct {
	Peer   string `json:"peer"`
	Role   string `json:"role"`   // near, far, broker
	Number int    `json:"number"` // of the far end, from 0
	At     string `json:"at"`     // address of the far end or of the broker
	Secret []byte `json:"secret"` // network key of Iris
	// BusyPoll is that of the nodes of Iris.
	BusyPoll time.Duration `json:"busyPoll"`
	CA       []byte        `json:"ca"` // PEM
	Cert     []byte        `json:"cert"`
	Key      []byte        `json:"key"`
}

// answer is what the child says to that, one JSON line.
type answer struct {
	Error     string `json:"error,omitempty"`
	At        string `json:"at,omitempty"`    // where others reach it
	Began     int64  `json:"began,omitempty"` // monotonic nanoseconds
	Ended     int64  `json:"ended,omitempty"`
	Got       int64  `json:"got,omitempty"`
	Odd       int64  `json:"odd,omitempty"`       // events of the wrong size
	CPU       int64  `json:"cpu,omitempty"`       // nanoseconds used by the process so far
	Heap      int64  `json:"heap,omitempty"`      // bytes alive after a collection
	P50       int64  `json:"p50,omitempty"`       // nanoseconds
	P99       int64  `json:"p99,omitempty"`       // nanoseconds
	Suspected int64  `json:"suspected,omitempty"` // peers suspected since the start
}
