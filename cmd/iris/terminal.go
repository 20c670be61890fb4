package main

import (
	"io"
	"os"
)

// isTerminal reports whether somebody may be looking at what is written to w.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := file.Stat()
	if err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(st, null)
}

// Colours, as parameters of the terminal's escape sequence.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

// paint gives text a colour if w is a terminal that has any and the user wants
// it: https://no-color.org.
func paint(w io.Writer, colour, text string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}
