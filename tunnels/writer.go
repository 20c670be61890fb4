package tunnels

import (
	"runtime"

	"iris/transport/wire"
)

// kick starts the writer if there is work and it does not run. Called with mu.
func (out *outbox) kick() {
	if out.held || out.writing || out.dead || !out.work() {
		return
	}
	out.writing = true
	out.spawn(out.run)
}

// work reports that the writer has something to do. Called with mu.
func (out *outbox) work() bool {
	return len(out.buf) > 0 || out.credit > 0 || out.last != nil || out.endDue() || out.quitDue() || out.finDue()
}

func (out *outbox) endDue() bool  { return out.end && !out.endSent && !out.sending }
func (out *outbox) quitDue() bool { return out.quit && !out.quitSent && out.endSent && !out.peerEnded }
func (out *outbox) finDue() bool  { return out.endSent && out.peerEnded && !out.fin }

// run writes until there is nothing left to do.
func (out *outbox) run() {
	var spare []byte
	defer func() { out.recycle(spare) }()
	for {
		out.mu.Lock()
		if out.dead {
			out.writing = false
			out.mu.Unlock()
			return
		}
		credit, batch, last := out.batch(spare)
		spare = nil
		if len(credit) == 0 && len(batch) == 0 && !last {
			out.writing = false
			spare, out.buf = out.buf, nil
			out.mu.Unlock()
			return
		}
		out.dead = last
		out.mu.Unlock()
		out.signal()
		if err := out.flush(credit, batch); err != nil {
			out.mu.Lock()
			out.writing, out.dead = false, true
			out.mu.Unlock()
			out.tunnel.writeFailed(err)
			return
		}
		if last {
			_ = out.stream.Close() // fails only if it was cancelled
			out.mu.Lock()
			out.writing, out.fin = false, true
			out.mu.Unlock()
			out.gone.Do(out.tunnel.writerDone)
			return
		}
		spare = batch
		switch {
		case len(batch) >= fullBatch && out.stream.Accompanied():
			giveWay()
		case len(batch) > busyBatch:
			runtime.Gosched()
		}
	}
}

// batch takes what is to be written now: grants first, since they are what the
// peer may be waiting for. last says that the write half ends after it. buf goes
// on with the memory of spare. Called with mu.
func (out *outbox) batch(spare []byte) (credit, batch []byte, last bool) {
	if cap(spare) < outLimit {
		spare = nil // put takes a large one when it needs it
	}
	batch, out.buf = out.buf, spare[:0]
	if out.last != nil {
		return nil, append(batch, encode(out.last)...), true
	}
	if out.credit > 0 {
		credit = encode(&wire.TunnelCredit{Bytes: out.credit})
		out.credit = 0
	}
	if out.endDue() {
		batch = append(batch, encode(&wire.TunnelEnd{})...)
		out.endSent = true
	}
	if out.quitDue() {
		batch = append(batch, encode(&wire.TunnelAbort{Code: wire.CodeLeave, Reason: "closed"})...)
		out.quitSent = true
	}
	return credit, batch, out.finDue()
}

func (out *outbox) flush(head, batch []byte) error {
	for _, b := range [...][]byte{head, batch} {
		if len(b) == 0 {
			continue
		}
		if _, err := out.stream.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func (out *outbox) recycle(b []byte) {
	if c := cap(b); c >= outLimit && c <= keepBuffer {
		b = b[:0]
		out.buffers.Put(&b)
	}
}
