// Package flow accounts for the credit of one direction of a tunnel.
//
// The receiving application decides how far the sender may run ahead of it: a reader
// that stops, stops its own sender and nobody else. The receiver decides how much of
// that may be on its way at once.
//
//	Sender                                        Receiver
//	credit  -- Spend --> chunk on the wire -- Arrived --> buffered
//	  ^                  |<---- window --->|                |
//	  |                                                  Consumed (by the application)
//	  +------ Grant <---- credit on the wire <-- Grant -----+   at half a window
//	                     |<------------- most ------------->|
//
// A chunk of n payload bytes costs Cost(n) = n + Overhead of credit. The fixed
// part pays for the bookkeeping of a chunk: without it a peer could make the
// receiver keep any number of empty chunks for free.
//
// # Window
//
// The window begins at [First] and doubles, up to most, while a far sender does
// nothing but wait for credit. To a near one more credit would only lengthen the queue
// between the two, in which everything else between these nodes waits as well. A
// window does not shrink.
//
// # Invariants
//
//  1. buffered + what is granted and has not arrived <= most: a peer that honours
//     its credit never makes the receiver hold more, and one that does not is found
//     out by Arrived before a byte of the chunk is read.
//  2. credit at the sender + bytes on the wire + grants on the wire <= window.
//  3. Once the application has consumed everything, the sender owns more than
//     half a window as soon as the grants have arrived: no deadlock.
//  4. First(most) <= window <= most.
//
// # Concurrency
//
// Pure: the time is an argument; no goroutine, no lock. A Sender and a Receiver
// each belong to one owner that serialises the calls.
//
// # Errors
//
// Everything a peer can do wrong is a *Violation. Spending credit one does not
// have is a defect of the caller and reported by Spend's result.
package flow
