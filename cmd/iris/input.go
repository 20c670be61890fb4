package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// input is what is sent into tunnels: standard input or a file. It is read once,
// whoever takes the pieces.
type input struct {
	reader io.Reader
	size   int   // octets of a piece, at most
	length int64 // of a regular file from where it stands; 0 for what has none

	begin sync.Once
	ch    chan []byte
	err   error // valid once ch is closed
}

// open takes the file of a name instead of standard input, and finds out how long
// the input is.
func (i *input) open(name string) (closeFile func(), err error) {
	closeFile = func() {}
	if name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the input: %w", err)
		}
		i.reader, closeFile = f, func() { _ = f.Close() } // it was only read
	}
	if f, ok := i.reader.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			at, _ := f.Seek(0, io.SeekCurrent) // 0 if unknown
			i.length = max(0, st.Size()-at)
		}
	}
	return closeFile, nil
}

// pieces are what is read, each as soon as it comes. Closed at the end, or with
// err set. The reader goes on until the input ends: a read of a terminal cannot
// be called off, only the end of the process ends it.
func (i *input) pieces() <-chan []byte {
	i.begin.Do(func() {
		i.ch = make(chan []byte)
		go i.run()
	})
	return i.ch
}

func (i *input) run() {
	defer close(i.ch)
	for {
		b := make([]byte, i.size) // the tunnel keeps it
		n, err := i.reader.Read(b)
		if n > 0 {
			i.ch <- b[:n:n]
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			i.err = err
			return
		}
	}
}
