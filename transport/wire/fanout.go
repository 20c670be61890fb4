package wire

// Event carries one event of a topic to a subscriber node. No answer.
type Event struct {
	Topic string
	Body  Body
	Trace string
}

// Broadcast carries a message for every member of a cluster at the receiver.
// No answer.
type Broadcast struct {
	Cluster string
	Body    Body
	Trace   string
}

func (*Event) Kind() Kind     { return KindEvent }
func (*Broadcast) Kind() Kind { return KindBroadcast }

func (f *Event) Size() int { return sizeHead + sizeStr(f.Topic) + f.Body.size() + sizeStr(f.Trace) }
func (f *Broadcast) Size() int {
	return sizeHead + sizeStr(f.Cluster) + f.Body.size() + sizeStr(f.Trace)
}

func (f *Event) append(w *Writer) {
	w.head(KindEvent, 4)
	w.name(f.Topic)
	w.body(&f.Body)
	w.label(f.Trace)
}

func (f *Event) parse(r *Reader) {
	f.Topic = r.name()
	f.Body = r.body()
	f.Trace = r.label()
}

func (f *Broadcast) append(w *Writer) {
	w.head(KindBroadcast, 4)
	w.name(f.Cluster)
	w.body(&f.Body)
	w.label(f.Trace)
}

func (f *Broadcast) parse(r *Reader) {
	f.Cluster = r.name()
	f.Body = r.body()
	f.Trace = r.label()
}
