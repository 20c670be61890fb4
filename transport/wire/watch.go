package wire

// Watch asks to be told when an actor of the receiver has stopped.
type Watch struct {
	Watcher string // actor id at the sender
	Watchee string // actor id at the receiver
}

// Unwatch ends a Watch.
type Unwatch struct {
	Watcher string
	Watchee string
}

// Terminated tells a watcher that the actor it watches is gone. It answers a
// Watch at once if there is no such actor.
type Terminated struct {
	Who     string // actor id at the sender
	Watcher string // actor id at the receiver
	Why     uint8  // 0 stopped, 1 address gone, 2 not found
}

// Stop asks for an actor of the receiver to be stopped. Refused unless the
// actor was exported for that.
type Stop struct {
	Target string // actor id at the receiver
	Poison bool   // after the messages already queued
}

func (*Watch) Kind() Kind      { return KindWatch }
func (*Unwatch) Kind() Kind    { return KindUnwatch }
func (*Terminated) Kind() Kind { return KindTerminated }
func (*Stop) Kind() Kind       { return KindStop }

func (f *Watch) Size() int      { return sizeHead + sizeStr(f.Watcher) + sizeStr(f.Watchee) }
func (f *Unwatch) Size() int    { return sizeHead + sizeStr(f.Watcher) + sizeStr(f.Watchee) }
func (f *Terminated) Size() int { return sizeHead + sizeStr(f.Who) + sizeStr(f.Watcher) + sizeUint }
func (f *Stop) Size() int       { return sizeHead + sizeStr(f.Target) + sizeBool }

func (f *Watch) append(w *Writer) {
	w.head(KindWatch, 2)
	w.actor(f.Watcher)
	w.actor(f.Watchee)
}

func (f *Watch) parse(r *Reader) {
	f.Watcher = r.actor()
	f.Watchee = r.actor()
}

func (f *Unwatch) append(w *Writer) {
	w.head(KindUnwatch, 2)
	w.actor(f.Watcher)
	w.actor(f.Watchee)
}

func (f *Unwatch) parse(r *Reader) {
	f.Watcher = r.actor()
	f.Watchee = r.actor()
}

func (f *Terminated) append(w *Writer) {
	w.head(KindTerminated, 3)
	w.actor(f.Who)
	w.actor(f.Watcher)
	w.uint(uint64(f.Why))
}

func (f *Terminated) parse(r *Reader) {
	f.Who = r.actor()
	f.Watcher = r.actor()
	f.Why = r.uint8()
}

func (f *Stop) append(w *Writer) {
	w.head(KindStop, 2)
	w.actor(f.Target)
	w.bool(f.Poison)
}

func (f *Stop) parse(r *Reader) {
	f.Target = r.actor()
	f.Poison = r.bool()
}
