package wire

// Words are names that stand outside the dictionary, because the frames that
// carry them are younger than it: a peer that passes over such a frame could
// not keep count. A Reader remembers some, so that a busy tree does not make
// the same string for every event.

// wordSlots is how many words a Reader remembers, of MaxName bytes at most.
const wordSlots = 64

// words holds each word at the place that its bytes hash to.
type words [wordSlots]string

// slot returns the place of b (FNV-1a).
func (w *words) slot(b []byte) *string {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return &w[(h^h>>16)%wordSlots]
}

func (w *Writer) word(s string) {
	if s == "" {
		w.fail(reasonNameEmpty)
	}
	w.label(s)
}

func (r *Reader) word() string {
	s := r.optWord()
	if s == "" {
		r.fail(reasonNameEmpty)
	}
	return s
}

func (r *Reader) optWord() string {
	c, ok := r.next()
	if !ok {
		return ""
	}
	b := r.strFrom(c, MaxName)
	if r.plain || len(b) == 0 {
		return r.checked(b, MaxName)
	}
	if r.words == nil {
		r.words = new(words)
	}
	slot := r.words.slot(b)
	if *slot != string(b) {
		s := r.checked(b, MaxName)
		if r.reason != "" {
			return ""
		}
		*slot = s
	}
	return *slot
}

// plainGroup is group, with a word for the name.
func (w *Writer) plainGroup(g *Group) {
	if g.Kind == 0 {
		w.fail("group without a kind")
	}
	w.array(2)
	w.uint(uint64(g.Kind))
	w.word(g.Name)
}

func (r *Reader) plainGroup() (g Group) {
	outer := r.open()
	if g.Kind = r.uint8(); g.Kind == 0 {
		r.fail(reasonRange)
	}
	g.Name = r.word()
	r.close(outer)
	return g
}

// plainBody is body, with a word for the type.
func (w *Writer) plainBody(b *Body) {
	w.label(b.Type)
	w.bin(b.Data)
}

func (r *Reader) plainBody() Body {
	return Body{Type: r.optWord(), Data: r.bin(r.max)}
}
