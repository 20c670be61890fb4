package wire

// Event carries one event of a topic to a subscriber node. No answer.
type Event struct {
	Topic string
	Body  Body
	Trace string
	Twin  bool // a reliable event for those who do not take it as one
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

func (f *Event) Size() int {
	return sizeHead + sizeStr(f.Topic) + f.Body.size() + sizeStr(f.Trace) + sizeBool
}

func (f *Broadcast) Size() int {
	return sizeHead + sizeStr(f.Cluster) + f.Body.size() + sizeStr(f.Trace)
}

func (f *Event) append(w *Writer) {
	w.head(KindEvent, 5)
	w.name(f.Topic)
	w.body(&f.Body)
	w.label(f.Trace)
	w.bool(f.Twin)
}

func (f *Event) parse(r *Reader) {
	f.Topic = r.name()
	f.Body = r.body()
	f.Trace = r.label()
	f.Twin = r.more() && r.bool()
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
