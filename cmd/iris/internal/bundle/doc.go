// Package bundle collects what a report about a problem needs into an archive, and
// keeps secrets out of it.
//
//	node ── reports, metrics, events, goroutines ──┐
//	config file, masked ───────────────────────────┼──► Redactor ──► tar.gz
//	doctor, version, host ─────────────────────────┘
//
// What cannot be had is told in errors.txt; the rest is written all the same. Each
// file has at most [MaxFile] bytes.
package bundle
