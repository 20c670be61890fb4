package packet

import "io"

const (
	minBuffer = 512
	maxBuffer = 64 << 10
	maxIdle   = 100 // reads in a row that bring nothing, before giving up
)

// input is a buffered reader whose buffer grows with the traffic: thousands of
// connections that say nothing cost 512 octets each.
//
// Invariant: 0 <= at <= end <= len(buf).
type input struct {
	from    io.Reader
	buf     []byte
	at, end int  // buf[at:end] has come and is not consumed
	full    bool // the last read filled the buffer
}

// fill reads at least one octet into the empty buffer.
func (in *input) fill() error {
	if in.full && len(in.buf) < maxBuffer {
		in.buf = make([]byte, 2*len(in.buf))
	} else if in.buf == nil {
		in.buf = make([]byte, minBuffer)
	}
	n, err := in.some(in.buf)
	in.at, in.end, in.full = 0, n, n == len(in.buf)
	return err
}

// some reads at least one octet of what has not come yet; an error comes alone.
func (in *input) some(b []byte) (int, error) {
	for range maxIdle {
		n, err := in.from.Read(b)
		if n > 0 {
			return n, nil // an error will come again
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// byte consumes one octet.
func (in *input) byte() (byte, error) {
	if in.at == in.end {
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	in.at++
	return in.buf[in.at-1], nil
}

// read consumes one to len(b) octets; large b are filled without the buffer.
func (in *input) read(b []byte) (int, error) {
	if in.at == in.end {
		if len(b) >= maxBuffer/2 {
			return in.some(b)
		}
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(b, in.buf[in.at:in.end])
	in.at += n
	return n, nil
}
