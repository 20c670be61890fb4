//go:build !unix

package main

import "io"

// terminalWidth returns 0: lines have the width that they need.
func terminalWidth(io.Writer) int { return 0 }
