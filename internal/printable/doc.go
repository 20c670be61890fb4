// Package printable makes text of others fit for people's terminals and logs.
//
//	name of a peer ──► Text ──► one line, no escapes, no hidden direction
//	line of a file ──► Aligned ──► as many characters, each in its column
//	JSON           ──► JSON ──► the same value, written with \u escapes
//
// Names, reasons and payload types come from other machines. Written as they
// are, a line feed in one forges a log line, an escape sequence paints over the
// terminal, and a bidirectional override shows the text in another order than it
// has. All functions leave what a person can see as it is and return their
// argument, without allocation, if that is all there is.
package printable
