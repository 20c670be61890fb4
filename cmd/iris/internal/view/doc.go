// Package view lays out the reports of package inspect as tables, the same for
// commands that print them once and for the full screen.
//
//	inspect.Peer, Cluster, ... ──► one function each ──► table.Table
//
// Everything that a node tells may come from elsewhere; the tables make it safe.
package view
