// Package repotest holds the repository to its own rules, as part of go test.
//
//	all .go files ──► Load ──► Module (syntax trees) ──┐
//	                                                   ├──► Check ──► violations
//	rules of this package: layers, purity, docs, ... ──┘
//
// A rule is a function over the syntax trees of the module's files; it says
// where a file breaks it and why the rule exists. What go vet, staticcheck and
// gofumpt see is left to them.
//
// # Lifecycle and concurrency
//
// Load reads the module once; a Module is then only read. The package starts no
// goroutines and has no state.
//
// # Errors
//
// A file that does not parse is an error of Load. A broken rule is a Violation,
// not an error: Check returns all of them, in the order of the files.
package repotest
