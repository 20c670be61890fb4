// Package canary finds out whether a secret got into what a program says. Tests
// give it everything: logs, events, pages, archives, panics.
//
//	secret ──► forms: every 12 bytes of it, in each form ──► searched in the text
//
// The forms are those in which bytes end up in text by accident: as they are,
// quoted as in Go or in JSON, hexadecimal in either case and with the usual
// separators, base64 of both alphabets at any alignment, and lists of numbers as
// package fmt prints them. Twelve bytes tell a secret: what repeats fewer of them
// is not found.
package canary
