package config

import (
	"errors"
	"strconv"
	"strings"
)

// Problem is one mistake in a configuration. It never contains the secret.
type Problem struct {
	File    string // file as named to Load or Parse; "environment"; empty for a Config made in Go
	Line    int    // 1-based; 0 = no position
	Column  int    // 1-based, in characters; 0 = no position
	Path    string // key such as "limits.frame", or the variable such as "IRIS_LISTEN"; may be empty
	Message string // what is wrong, one line
	Hint    string // what to do about it, one line; may be empty
	Snippet string // the line of the file, secrets masked; may be empty

	err error // cause, for errors.Is; may be nil
}

// Error returns the problem on one line.
func (p Problem) Error() string {
	var b strings.Builder
	p.heading(&b)
	return b.String()
}

// Unwrap returns the cause, such as a file system error, or nil.
func (p Problem) Unwrap() error { return p.err }

func (p Problem) heading(b *strings.Builder) {
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			b.WriteString(":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column))
		}
		b.WriteString(": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
}

// problemOf makes a problem of an error, with its hint if it has one.
func problemOf(file, path string, err error) Problem {
	p := Problem{File: file, Path: path, Message: err.Error(), err: errors.Unwrap(err)}
	var ve *valueError
	if errors.As(err, &ve) {
		p.Hint = ve.hint
	}
	return p
}

// Errors is every problem found, in the order of the file.
type Errors []Problem

// Error returns one paragraph per problem: its position, what is wrong, what to
// do, and below it the line with a caret under the place.
func (e Errors) Error() string {
	var b strings.Builder
	for i, p := range e {
		if i > 0 {
			b.WriteByte('\n')
		}
		p.heading(&b)
		if p.Snippet == "" {
			continue
		}
		number := strconv.Itoa(p.Line)
		b.WriteString("\n  " + number + " | " + p.Snippet)
		b.WriteString("\n  " + strings.Repeat(" ", len(number)) + " | " + caret(p.Snippet, p.Column))
	}
	return b.String()
}

// Unwrap makes errors.Is and errors.As see each problem.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, p := range e {
		errs[i] = p
	}
	return errs
}

// asError returns e as an error, nil if there is no problem.
func (e Errors) asError() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// caret returns the line that puts ^ under the given column of snippet, keeping
// tabs so that both lines align.
func caret(snippet string, column int) string {
	var b strings.Builder
	for _, r := range snippet {
		if column--; column <= 0 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	b.WriteByte('^')
	return b.String()
}
