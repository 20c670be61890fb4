// Package logs writes what a node says about itself.
//
//	events of the node ──► Events, a subscriber of the hub: one line for an event
//	   │
//	Logger().With("subsystem", "router")
//	   └──► level of the subsystem ──► repeats ──► text or JSON ──► escapes ──► writer
//	        (lock-free, SetLevel)      (bounded)   (or a handler of the program's own)
//
// Each subsystem of [config.Subsystems] has a level of its own, which may change at
// any time; a logger belongs to the subsystem in its attribute of that name.
//
// A message of a subsystem is written 256 times a minute at most. What is beyond
// that is counted, and at the end of the minute one line of the same level says so:
// message "repeated", with the message repeated and how many times. Lines at debug level
// and those of handlers (loggers with the attribute actor) are never held back.
//
// What happens to a node is told once, as an event; the lines about it are made of that
// here, for whoever started the node. The hub calls the subscriber on a goroutine of its own and
// waits for it when the actor system shuts down: nobody waits for the log, and a log that is
// too slow says so ("events lost").
//
// Names and reasons that came from other machines are written so that they cannot
// forge lines or colours: see package printable. Secrets hide themselves, by the
// LogValue methods of their types.
package logs
