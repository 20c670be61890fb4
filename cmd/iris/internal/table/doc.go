// Package table shows values to people: aligned columns within the width of a
// terminal, human units, and names in which nothing acts on the terminal.
//
//	rows ──► printable ──► width of each column ──► too wide? cut the columns that may be ──► lines
//
// A [Table] is built and written by one goroutine; the functions keep nothing.
package table
