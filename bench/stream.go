package main

import (
	"io"
	"time"
)

// runTimeout bounds everything that one command does.
const runTimeout = time.Minute

// stream writes the chunk count times, or if count is 0 until stop is closed.
func stream(w io.Writer, chunk []byte, count int64, stop <-chan struct{}) error {
	for i := int64(0); count == 0 || i < count; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		if _, err := w.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// What a stream of bytes is for is said by its first byte.
const (
	forEvents = 'e' // to be counted
	forEcho   = 'r' // to be sent back
)

// rawSender is the near end of a raw stream.
type rawSender struct {
	open func() (io.ReadWriteCloser, error)
	out  io.ReadWriteCloser // opened with the first event
	end  func()
}

func (s *rawSender) at() string { return "" }
func (s *rawSender) close()     { s.end() }

func (s *rawSender) begin(what byte) (io.ReadWriteCloser, error) {
	c, err := s.open()
	if err != nil {
		return nil, err
	}
	_, err = c.Write([]byte{what})
	return c, err
}

// publish writes as many bytes as the events have, in the best pieces: what any
// protocol on top can at most reach.
func (s *rawSender) publish(_ int, event []byte, count int64) error {
	if s.out == nil {
		c, err := s.begin(forEvents)
		if err != nil {
			return err
		}
		s.out = c
	}
	piece := make([]byte, chunk)
	for left := count * int64(len(event)); left > 0; {
		n, err := s.out.Write(piece[:min(left, chunk)])
		if err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}

func (s *rawSender) asker() (func([]byte) error, error) {
	c, err := s.begin(forEcho)
	if err != nil {
		return nil, err
	}
	var back []byte
	return func(msg []byte) error {
		if len(back) != len(msg) {
			back = make([]byte, len(msg))
		}
		if _, err := c.Write(msg); err != nil {
			return err
		}
		_, err := io.ReadFull(c, back)
		return err
	}, nil
}

func (s *rawSender) tunnel(chunk []byte, count int64, stop <-chan struct{}) error {
	c, err := s.begin(forEvents)
	if err != nil {
		return err
	}
	if err := stream(c, chunk, count, stop); err != nil {
		return err
	}
	return c.Close()
}

// serve does with an accepted stream what it is for.
func serve(c io.ReadWriteCloser, into *sink) {
	buf := make([]byte, chunk)
	if _, err := io.ReadFull(c, buf[:1]); err != nil {
		return
	}
	echo := buf[0] == forEcho
	for {
		n, err := c.Read(buf)
		if !echo {
			into.add(int64(n))
		} else if _, err := c.Write(buf[:n]); err != nil {
			return
		}
		if err != nil {
			_ = c.Close()
			return
		}
	}
}

// rawServer is the far end.
type rawServer struct {
	addr string
	end  func()
}

func (s *rawServer) at() string { return s.addr }
func (s *rawServer) close()     { s.end() }
