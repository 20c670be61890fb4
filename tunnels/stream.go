package tunnels

import "io"

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
