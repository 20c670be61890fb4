// Package bundle collects what a report about a problem needs into an archive, and
// keeps secrets out of it.
//
//	node ── reports, metrics, events, goroutines ──┐
//	config file, masked ───────────────────────────┼──► Redactor ──► tar.gz
//	doctor, version, host ─────────────────────────┘
//
// The Redactor cleans JSON value by value, so that it stays JSON, and other text line
// by line. What it knows it finds in all forms that package forms lists; README.txt
// of the archive says what else it hides, and what it does not.
//
// What cannot be had is told in errors.txt; the rest is written all the same. Each
// file has at most [MaxFile] bytes.
package bundle
