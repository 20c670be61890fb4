package discovery

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// run is the goroutine that owns the state of discovery.
func (d *Discovery) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	for {
		timer.Reset(time.Until(d.sched.next()))
		select {
		case <-d.done:
			return
		case h := <-d.heard:
			d.hear(&h)
		case <-d.wake:
			d.sched.setJoined(d.joined.Load(), time.Now())
		case <-ticker.C:
			known := len(d.outlets)
			if d.refresh(); len(d.outlets) > known {
				d.sched.ask(time.Now()) // a way that was not there before
			}
		case <-timer.C:
			d.drain() // what is here already comes before the end of the search
			d.perform(d.sched.step(time.Now()))
		}
	}
}

func (d *Discovery) drain() {
	for range heardQueue {
		select {
		case h := <-d.heard:
			d.hear(&h)
		default:
			return
		}
	}
}

func (d *Discovery) perform(a actions) {
	if a.quiet {
		close(d.quiet)
	}
	if a.answer {
		d.counts.answered.Add(1)
	}
	if a.send {
		d.send(a.query, a.answer)
	}
}

// send sends a beacon by every outlet. Each datagram has its own number.
func (d *Discovery) send(query, reply bool) {
	addrs := d.cfg.Addrs()
	for _, o := range d.outlets {
		if o.way == loopbackMulticast && d.echoed {
			continue
		}
		d.seq++
		b := beacon{
			Query: query, Reply: reply, ID: d.cfg.ID, Incarnation: d.cfg.Incarnation, Seq: d.seq,
			Wall: time.Now(), Addrs: o.reachable(addrs),
		}
		datagram, ok := b.append(nil, d.keys[0])
		if !ok {
			continue // nothing of ours can be dialled that way
		}
		if o.way == loopbackBroadcast {
			d.pulse = d.seq
		}
		err := d.air.send(o, datagram)
		if err != nil {
			d.counts.sendFailed.Add(1)
			if !d.failing[o.name] {
				d.log.Debug("beacon not sent", slog.String("interface", o.name), slog.Any("err", err))
			}
		} else {
			d.counts.sent.Add(1)
		}
		d.failing[o.name] = err != nil
	}
}

// hear takes one authentic beacon.
func (d *Discovery) hear(b *beacon) {
	if b.ID == d.cfg.ID {
		d.counts.own.Add(1)
		d.sched.echo()
		d.echoed = d.echoed || b.Seq == d.pulse
		return
	}
	now := time.Now()
	v, drop, ok := d.table.accept(b, now)
	if !ok {
		d.counts.dropped[drop].Add(1)
		return
	}
	d.counts.accepted.Add(1)
	if v.isNew {
		d.sched.found(now)
		d.log.Debug("node heard", slog.String("peer", b.ID.String()), slog.Duration("clock_off", b.Wall.Sub(now)))
	}
	if b.Reply && d.sched.reply() {
		d.counts.suppressed.Add(1)
	}
	if v.answer {
		d.sched.query(now, len(d.table.nodes))
	}
	if v.tell {
		for _, a := range b.Addrs {
			if a.Addr().IsLoopback() && !d.cfg.Host {
				continue // broadcasts on loopback reach every socket of the host
			}
			d.cfg.Found(a.String(), b.ID)
		}
	}
}

// refresh looks at the interfaces anew and reports whether anybody may answer us.
func (d *Discovery) refresh() bool {
	outs, fresh, listening, errs := d.air.refresh()
	d.outlets = outs
	clear(d.failing)
	for _, in := range fresh {
		d.wg.Go(func() { d.read(in) })
	}
	var now string
	if err := errors.Join(errs...); err != nil {
		now = err.Error()
	}
	if now != d.trouble { // said once, not every 30 seconds
		if now != "" {
			d.log.Warn("discovery limited", slog.Bool("listening", listening), slog.String("err", now))
		} else {
			d.log.Info("discovery works again")
		}
		d.trouble = now
	}
	return listening && len(outs) > 0
}

// read is the goroutine that reads one inlet until it is closed.
func (d *Discovery) read(in inlet) {
	buf := make([]byte, maxDatagram+1) // one more, so that longer ones are noticed
	lim := newLimiter()
	for {
		n, from, err := in.read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // as when an interface goes away
			d.log.Debug("beacon not received", slog.Any("err", err))
			select {
			case <-d.done:
				return
			case <-time.After(readPause):
			}
			continue
		}
		if drop, ok := lim.allow(from, time.Now()); !ok {
			d.counts.dropped[drop].Add(1)
			continue
		}
		b, err := decode(buf[:n], d.keys)
		if err != nil {
			d.counts.dropped[reasonOf(err)].Add(1)
			continue
		}
		select {
		case d.heard <- b:
		default:
			d.counts.dropped[dropQueue].Add(1)
		}
	}
}

func reasonOf(err error) reason {
	switch {
	case errors.Is(err, errVersion):
		return dropVersion
	case errors.Is(err, errForeign):
		return dropForeign
	case errors.Is(err, errForged):
		return dropForged
	}
	return dropMalformed
}
