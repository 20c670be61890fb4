// Package forms lists the ways in which the bytes of a secret end up in text by
// accident. Who looks for a secret (package canary) and who takes it out (iris
// bundle) share the list, so that neither knows a form that the other does not.
//
//	secret ──► Windows: every 12 bytes of it ──► Of: as they are, quoted, hexadecimal, base64, numbers
//
// All functions are pure.
package forms
