package transport

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// batch is what the writer has taken to write.
type batch struct {
	data   []byte
	frames int   // that had gathered since the last batch, roughly those in data
	more   bool  // frames are left
	last   bool  // none will come
	broken error // nothing is to be written any more
}

// take hands the oldest segment to the writer, empty if there is none.
func (l *lane) take() batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := batch{frames: l.frames, last: l.closing, broken: l.broken}
	p := filled{l.buf, l.within}
	if len(l.ready) > 0 {
		p, l.ready[0] = l.ready[0], filled{}
		l.ready = l.ready[1:]
	} else {
		l.buf, l.within, l.ready = nil, 0, nil
	}
	b.data = p.data
	if l.carried != nil && p.messages > 0 {
		l.carried.Add(uint64(p.messages))
	}
	l.sent, l.volume = l.sent+uint64(l.frames), l.volume+uint64(len(b.data))
	l.frames = 0
	l.writing = len(b.data)
	l.waiting -= len(b.data)
	b.more = l.waiting > 0
	l.roomier()
	return b
}

// done takes back what was written. It reports whether frames have come
// meanwhile; if not, and more may come, the writer is asleep from here on.
func (l *lane) done(b batch) (more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing, l.begun = 0, time.Time{}
	l.shrink(l.waiting)
	l.release(b.data)
	more = l.waiting > 0 || l.closing && !b.last
	l.asleep = !more && !b.last
	return more
}

// write runs in the lane's goroutine until the lane is shut and empty.
func (l *lane) write() {
	defer close(l.exited)
	var stream sendStream
	var c crowd
	for {
		b := l.take()
		if b.broken != nil {
			return
		}
		if err := l.flush(&stream, b.data); err != nil {
			l.shut(err)
			l.fail(err)
			return
		}
		more := l.done(b)
		if b.last && !more {
			if stream != nil {
				_ = stream.Close() // FIN; a broken connection reports itself elsewhere
			}
			return
		}
		if !more {
			<-l.wake
		}
		if c.saw(b.frames) || more {
			gather()
		}
	}
}

// crowd remembers how many frames a batch had lately. Those who wait for answers come in
// waves, and the first of a wave wakes the writer: alone it says nothing.
type crowd int

// saw takes the number of frames of a batch. It reports whether several senders, or a
// busy one, are likely to be about.
func (c *crowd) saw(frames int) bool {
	*c = max(crowd(frames), *c-*c/8-1)
	return *c > 1
}

// gather lets others add to the batch for two scheduler turns: in the first the reader
// wakes those whose replies have come, in the second they ask again. A lone frame on an
// idle lane does not come here: it is written at once. No timer is involved.
func gather() {
	runtime.Gosched()
	runtime.Gosched()
}

func (l *lane) flush(stream *sendStream, batch []byte) error {
	if len(batch) == 0 {
		return nil
	}
	if *stream == nil {
		l.begin()
		s, err := l.open()
		if err != nil {
			return err
		}
		*stream = s
	}
	for len(batch) > 0 {
		n := min(len(batch), maxWrite)
		if err := (*stream).SetWriteDeadline(l.begin().Add(l.timeout)); err != nil {
			return err
		}
		l.writes.Add(1)
		if l.traffic != nil {
			l.traffic.Add(1)
		}
		n, err := (*stream).Write(batch[:n])
		batch = batch[n:]
		if err != nil && !(errors.Is(err, os.ErrDeadlineExceeded) && (n >= leastTaken || l.patient())) {
			return fmt.Errorf("write %s lane: %w", l.name, err)
		}
	}
	return nil
}
