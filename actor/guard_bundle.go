package actor

// bundled handles the next messages of a parcel, at most most, until one fails or a system message waits, and returns how
// many. One deferred function contains the panics of all.
func (g *guard) bundled(p *parcel, most int) (n int) {
	if g.cell.props.batches {
		return g.batched(p)
	}
	m := &g.cell.mb
	normal := false
	defer func() {
		if !normal {
			g.failed(recover())
		}
		g.cur = current{}
	}()
	b := p.b
	g.cur = current{from: b, end: b.begin(p.next), in: b.head, bundled: true}
	for n < most && p.next < p.end && !m.urgent.Load() {
		n++
		end, typ := b.end(p.next)
		g.cur.begin, g.cur.end = g.cur.end, end
		p.next++
		m.unload(1, int64(end-g.cur.begin))
		g.cur.lent, g.cur.responded = true, false
		if g.cur.msg != nil { // storing a pointer is not free
			g.cur.msg = nil
		}
		if typ := b.types[typ]; typ != "" && !g.decode(typ) {
			continue
		}
		m.handled++
		g.idle.active()
		g.receive()
	}
	normal = true
	return n
}

// decode makes the message of a registered type that is lent. It is a dead letter if that fails.
func (g *guard) decode(typ string) bool {
	msg, err := Decode(typ, g.cur.from.mem[g.cur.begin:g.cur.end])
	if err != nil {
		c := g.cell
		c.sys.letters.note(DeadCodec, keyOf(c.pid), typ, "", 1)
		return false
	}
	g.cur.msg, g.cur.lent = msg, false
	return true
}

// batched gives all that is left of a parcel to an actor with Props.Batches.
func (g *guard) batched(p *parcel) (n int) {
	n = p.end - p.next
	g.cell.mb.unload(n, p.bytes())
	g.lay(Batch{b: p.b, begin: p.next, n: n})
	p.next = p.end
	g.cell.mb.handled += uint64(n)
	g.idle.active()
	g.protect(current{msg: g.batch, in: p.b.head, bundled: true}, nil)
	return n
}

// lay makes b the batch that the actor is given.
func (g *guard) lay(b Batch) {
	if g.batch == nil {
		g.batch = new(Batch)
	}
	*g.batch = b
}

// given is what the actor gets of an Inbound that nobody tracks.
func (g *guard) given(in *Inbound) current {
	if g.cell.props.batches && (in.Kind == Event || in.Kind == Broadcast) {
		g.lay(Batch{alone: in.Message, n: 1})
		return current{msg: g.batch, in: in, bundled: true}
	}
	return current{msg: in.Message, in: in}
}

// kept makes what is being handled last beyond Receive, and returns it. A batch does not last.
func (g *guard) kept() any {
	if g.cur.msg == g.batch {
		g.cur.msg = new(Batch)
	}
	return g.Message()
}

// forwardBundled passes on what came in a bundle.
func (g *guard) forwardBundled(to *PID) {
	forward := func(msg any) {
		in := *g.cur.in
		in.Message, in.Size = msg, int(sizeOf(msg))
		g.cell.sys.forward(to, &in, g.trace())
	}
	b, ok := g.cur.msg.(*Batch)
	if !ok {
		forward(g.Message())
		return
	}
	for i := range b.Len() {
		msg, err := b.Clone(i)
		if err != nil {
			g.cell.sys.letters.note(DeadCodec, keyOf(g.cell.pid), b.Type(i), "", 1)
			continue
		}
		forward(msg)
	}
}
