package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"iris/node/relay/packet"
)

// body is where the content of a message comes from.
type body struct {
	text  string
	stdin io.Reader // if it is standard input
	file  string
	size  int // if made up
	made  bool
}

// bodyOf reads the part of a command line that says it: the arguments after the
// name, --file, --size.
func bodyOf(cmd *cobra.Command, args []string, f *sharedFlags) (body, error) {
	b := body{file: f.file, size: f.size, made: cmd.Flags().Changed("size")}
	given := len(args)
	if b.file != "" {
		given++
	}
	if b.made {
		given++
	}
	if given > 1 {
		return b, errors.New("want one body: BODY, --file or --size")
	}
	if len(args) == 0 {
		return b, nil
	}
	if b.text = args[0]; b.text == "-" {
		b.text, b.stdin = "", cmd.InOrStdin()
	}
	return b, nil
}

// read returns the content. It blocks until standard input, or the file, has
// ended, or ctx has: then the reading goes on until the process ends, for it
// cannot be called off.
func (b body) read(ctx context.Context) ([]byte, error) {
	switch {
	case b.made:
		const letters = "abcdefghijklmnopqrstuvwxyz"
		return []byte(strings.Repeat(letters, b.size/len(letters)+1)[:b.size]), nil
	case b.stdin == nil && b.file == "":
		return []byte(b.text), nil
	}
	var content []byte
	done := make(chan error, 1)
	go func() {
		var err error
		content, err = b.readAll()
		done <- err
	}()
	select {
	case err := <-done:
		return content, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (b body) readAll() ([]byte, error) {
	if b.stdin != nil {
		return readBounded("standard input", b.stdin)
	}
	file, err := os.Open(b.file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the body: %w", err)
	}
	defer file.Close()
	return readBounded(b.file, file)
}

func readBounded(name string, r io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, packet.DefaultMessage+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the body from %s: %w", name, err)
	}
	if len(content) > packet.DefaultMessage {
		return nil, fmt.Errorf("%s has more than %d octets, the most of one message: use iris tunnel", name, packet.DefaultMessage)
	}
	return content, nil
}
