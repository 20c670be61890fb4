package tunnels

import (
	"context"
	"io"
)

// Stream returns the tunnel as a stream of bytes, in which the boundaries of
// messages do not show: Read returns the bytes of the messages one after the
// other, and what is written travels as messages of an unspecified size. There
// is no limit on the total.
//
// Use one view per direction. Read and Recv may take turns at the boundary of a
// message; a Recv after a Read that ended inside one fails with ErrMidMessage.
// Write and Send may be mixed freely.
//
// The stream also implements io.WriterTo, which io.Copy uses to save a copy, and
// CloseWrite() error, which is CloseSend. Close is Close of the tunnel. Read and
// Write end early only when the tunnel ends: by Close, Abort or a loss.
func (t *Tunnel) Stream() io.ReadWriteCloser { return byteStream{t} }

type byteStream struct{ t *Tunnel }

func (s byteStream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return s.t.in.read(p)
}

func (s byteStream) WriteTo(w io.Writer) (int64, error) { return s.t.in.writeTo(w) }
func (s byteStream) Write(p []byte) (int, error)        { return s.t.out.write(p) }
func (s byteStream) CloseWrite() error                  { return s.t.CloseSend() }
func (s byteStream) Close() error                       { return s.t.Close() }

// read is Read of the byte view.
func (in *inbox) read(p []byte) (n int, err error) {
	ctx := context.Background()
	if err := in.lock(ctx); err != nil {
		return 0, err
	}
	defer in.turn.unlock()
	for n < len(p) {
		if len(in.partial) > 0 {
			c := copy(p[n:], in.partial)
			in.partial, in.mid = in.partial[c:], true
			n += c
			continue
		}
		in.partial = nil
		if n > 0 && !in.ready() {
			break
		}
		if err := in.await(ctx); err != nil {
			return n, err // cannot be: ctx does not end
		}
		piece, _, err := in.head()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		c := copy(p[n:], piece)
		in.taken(c)
		n += c
	}
	return n, nil
}

// writeTo is WriteTo of the byte view: the pieces go to w without a copy.
func (in *inbox) writeTo(w io.Writer) (total int64, err error) {
	ctx := context.Background()
	if err := in.lock(ctx); err != nil {
		return 0, err
	}
	defer in.turn.unlock()
	for {
		if len(in.partial) > 0 {
			n, err := w.Write(in.partial)
			in.partial, in.mid = in.partial[n:], true
			total += int64(n)
			if err != nil {
				return total, err
			}
			continue
		}
		in.partial = nil
		if err := in.await(ctx); err != nil {
			return total, err // cannot be: ctx does not end
		}
		piece, _, err := in.head()
		switch {
		case err == io.EOF:
			return total, nil
		case err != nil:
			return total, err
		}
		n, err := w.Write(piece)
		in.taken(min(max(n, 0), len(piece)))
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// taken consumes n bytes for the byte view.
func (in *inbox) taken(n int) {
	in.mid = !in.take(n)
	if in.skipping && !in.mid {
		in.skipping = false
	}
}

// ready reports that a piece can be had without waiting.
func (in *inbox) ready() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.store.marks.empty()
}
