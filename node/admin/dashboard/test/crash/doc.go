// Command crash is a node with a handler that fails when it is told to, for the
// tests of the dashboard.
//
//	crash NODE.yaml
//
// It serves the cluster boom and greets it all the time. Each line on its input
// makes one member of boom panic. It says where its admin endpoint is.
//
// # Lifecycle and concurrency
//
// It runs until its input ends.
//
// # Errors
//
// What keeps the node from starting is printed, and the program ends with 1.
package main
