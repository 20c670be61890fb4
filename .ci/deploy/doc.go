// Command deploy holds the files of samples/deploy to the types that read them. A key that
// they do not know, or a value of another kind, is an error.
//
//	deploy compose FILE...      ─▶ the loader of Docker Compose: compose-go
//	deploy kubernetes FILE...   ─▶ for each object, its type in the Kubernetes API: k8s.io/api
//
// It is a module of its own, so that what it needs is no part of Iris; .ci/run deploy
// builds and runs it.
//
// # Lifecycle, concurrency, errors
//
// It reads one file after the other and ends: with 0 if all are well-formed, with 1 and
// what is wrong at the first one that is not, with 2 if it was called wrongly.
package main
