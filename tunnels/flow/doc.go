// Package flow accounts for the credit of one direction of a tunnel.
//
// The receiving application decides how much may be on its way: the receiver
// grants credit when the application has consumed bytes, not when they have
// arrived, so a reader that stops, stops its own sender and nobody else.
//
//	Sender                                        Receiver
//	credit  -- Spend --> chunk on the wire -- Arrived --> buffered
//	  ^                                                     |
//	  |                                                  Consumed (by the application)
//	  +------ Grant <---- credit on the wire <-- Grant -----+   at half a window
//
// A chunk of n payload bytes costs Cost(n) = n + Overhead of credit. The fixed
// part pays for the bookkeeping of a chunk: without it a peer could make the
// receiver keep any number of empty chunks for free.
//
// # Invariants
//
//  1. buffered <= window: a peer that honours its credit never makes the
//     receiver hold more than a window, and one that does not is found out by
//     Arrived before a byte of the chunk is read.
//  2. credit at the sender + bytes on the wire + buffered + consumed but not
//     granted == window (+ what was granted and is on its way).
//  3. Once the application has consumed everything, the sender owns more than
//     half a window as soon as the grants have arrived: no deadlock.
//
// # Concurrency
//
// Pure: no clock, no goroutine, no lock. A Sender and a Receiver each belong to
// one owner that serialises the calls.
//
// # Errors
//
// Everything a peer can do wrong is a *Violation. Spending credit one does not
// have is a defect of the caller and reported by Spend's result.
package flow
