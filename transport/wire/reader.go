package wire

import (
	"errors"
	"io"
)

// Sizes of a Reader's buffer. It starts small, since most lanes are idle; it
// grows to batchSize while reads fill it, and beyond for a large frame only as
// the frame's bytes arrive. What is beyond is lent, and goes back before the Reader
// waits for the next frame.
const (
	idleSize  = 2 << 10
	batchSize = 32 << 10

	// quietReads is how many reads must leave most of the buffer unused
	// before it shrinks: the lane is no longer busy.
	quietReads = 64

	// emptyReads is how many reads may return nothing before the source
	// counts as broken, as in bufio.
	emptyReads = 100
)

// Reader decodes the frames of one lane in one direction and mirrors the
// sender's name dictionary. Not safe for concurrent use.
type Reader struct {
	src io.Reader
	max int // bytes of one frame without prefix

	buf    []byte // buf[rd:wr] is read and not yet decoded
	rd, wr int
	want   int   // bytes of the frame at rd with its prefix; 0 = not known yet
	srcErr error // from the read that also brought the last bytes
	full   bool  // the last read filled the buffer
	quiet  int   // reads in a row that used less than a quarter of it
	last   int   // bytes of the frame that Next returned, with its prefix; 0 once kept

	names   []string // index -> name
	words   *words   // names outside the dictionary; nil before the first
	plain   bool     // no dictionary
	frames  []Frame  // by kind: the frame that Next fills again
	like    likeness
	skipped uint64
	err     error // *ProtocolError, final

	// The frame being decoded; owned by decode.
	frame  []byte
	at     int
	data   int // where the Data of its Body begin and
	rest   int // what is behind them
	left   int // values left in the array being read
	kind   Kind
	reason string // first failure
}

// NewReader returns a Reader of a fresh lane. A frame of more than maxFrame
// bytes is an error; maxFrame is MaxControl for control, else MaxFrame. The
// Reader buffers: nothing else may read src.
func NewReader(src io.Reader, maxFrame int) *Reader {
	return &Reader{src: src, max: maxFrame}
}

// Skipped returns how many frames of unknown kinds were passed over. Call it
// from the goroutine that calls Next.
func (r *Reader) Skipped() uint64 { return r.skipped }

// Pending reports whether the beginning of a frame has been read and not its
// end. A source may ask during its Read, to set a deadline for the rest.
func (r *Reader) Pending() bool { return r.wr > r.rd }

// Ready reports whether a whole frame, or an error, is at hand: the next call
// of Next then does not wait for the source, except behind a frame of unknown
// kind.
func (r *Reader) Ready() bool {
	n, reason := r.measure()
	return r.err != nil || reason != "" || n > 0 && r.wr-r.rd >= n
}

// Next returns the next frame, waiting for it as long as the source does. The
// frame and its byte slices are valid until the next call only: there is one
// frame per kind, filled again each time. Strings, and all slices but those of
// bytes, may be kept.
//
// The error is io.EOF where the stream ends between two frames, a
// *ProtocolError for anything that is not a frame, and otherwise what the
// source returned; after an error of the source, such as a passed deadline,
// Next may be called again.
func (r *Reader) Next() (Frame, error) {
	for r.err == nil {
		body, err := r.read()
		if err != nil {
			return nil, err
		}
		if f, known := r.decode(body); known && r.err == nil {
			return f, nil
		}
	}
	return nil, r.err
}

// Again reports whether a frame is at hand that differs from the one that Next returned last
// in nothing but its data, and makes that one the same. It is Next for what most frames of a
// busy lane are.
func (r *Reader) Again() bool {
	b := r.buf[r.rd:r.wr]
	if len(b) < 2 {
		return false
	}
	at, n := 1, int(b[0])
	if n >= 0x80 {
		if b[1] >= 0x80 {
			return false // no small frame: Next looks at it
		}
		at, n = 2, n&0x7f|int(b[1])<<7
	}
	if n > len(b)-at || n > r.max || r.like.fill(b[at:at+n]) == nil {
		return false
	}
	r.last = at + n
	r.rd += r.last
	return true
}

// read returns the bytes of the next frame without the prefix.
func (r *Reader) read() ([]byte, error) {
	for {
		n, reason := r.measure()
		if reason != "" {
			r.err = &ProtocolError{Reason: reason}
			return nil, r.err
		}
		if n > 0 && r.wr-r.rd >= n {
			body := r.buf[r.rd+prefixOf(r.buf[r.rd:]) : r.rd+n]
			r.rd += n
			r.last = n
			return body, nil
		}
		r.want = n
		err := r.fill()
		if errors.Is(err, io.EOF) && r.Pending() {
			r.err = &ProtocolError{Reason: reasonEOF}
			return nil, r.err
		}
		if err != nil {
			return nil, err
		}
	}
}

// measure returns the length with prefix of the frame at rd, or 0 if the
// prefix is not complete yet.
func (r *Reader) measure() (n int, reason string) {
	size := uint64(0)
	for i, c := range r.buf[r.rd:r.wr] {
		if i == 5 {
			return 0, reasonPrefix
		}
		size |= uint64(c&0x7f) << (7 * i)
		if size > uint64(r.max) {
			return 0, reasonTooLarge
		}
		if c < 0x80 {
			if size == 0 {
				return 0, reasonEmpty
			}
			return i + 1 + int(size), ""
		}
	}
	return 0, ""
}

// prefixOf returns the length of the complete prefix that begins b. Writers
// use the shortest, but a longer one is not an error.
func prefixOf(b []byte) int {
	n := 1
	for b[n-1] >= 0x80 {
		n++
	}
	return n
}

// fill reads from the source once, at least one byte unless it fails.
func (r *Reader) fill() error {
	if err := r.srcErr; err != nil {
		r.srcErr = nil
		return err
	}
	r.makeRoom()
	for range emptyReads {
		n, err := r.src.Read(r.buf[r.wr:])
		if n < 0 || n > len(r.buf)-r.wr {
			panic("wire: source returned an impossible count from Read")
		}
		r.full = n == len(r.buf)-r.wr
		if n > len(r.buf)/4 {
			r.quiet = 0
		} else {
			r.quiet++
		}
		r.wr += n
		if n > 0 {
			r.srcErr = err
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom makes sure that there is space behind wr. Memory follows the bytes
// that arrived, not the length a peer claims: the buffer about doubles at most,
// and only when it is full.
func (r *Reader) makeRoom() {
	held := r.wr - r.rd
	size := len(r.buf)
	switch {
	case size == 0:
		size = idleSize
	case held == size: // full of one unfinished frame
		size = min(2*size, max(r.want, batchSize))
	case size > batchSize:
		if r.want <= batchSize && held < batchSize {
			size = batchSize // the large frame is gone
		}
	case r.full && size < batchSize:
		size *= 2
	case r.quiet >= quietReads && size > idleSize && held < size/2:
		size /= 2
		r.quiet = 0
	}
	if size != len(r.buf) {
		buf := room(size)
		copy(buf, r.buf[r.rd:r.wr])
		giveBack(r.buf)
		r.buf, r.rd, r.wr = buf, 0, held
		r.full = false
	} else if r.rd > 0 {
		copy(r.buf, r.buf[r.rd:r.wr])
		r.rd, r.wr = 0, held
	}
}
