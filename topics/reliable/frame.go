package reliable

import (
	"bytes"
	"errors"

	"iris/topics/scribe"
	"iris/transport/wire"
)

// ErrFrame is returned by Parse for a frame that no machine sends.
var ErrFrame = errors.New("reliable: frame breaks a rule")

// Frame returns a message of a group as it travels. The frame shares the
// message's memory.
func Frame(g wire.Group, m Message) wire.Frame {
	switch m := m.(type) {
	case *Data:
		return &wire.TopicData{
			Group: g, Stripe: uint8(scribe.StripeOf(m.Publisher, scribe.Stripes)), Publisher: m.Publisher, Epoch: m.Epoch, Seq: m.Seq,
			Hops: m.Hops, Twin: m.Twin, Body: m.Body, Trace: m.Trace,
		}
	case *Sync:
		return &wire.TopicSync{Group: g, Stripe: uint8(m.Stripe), Answer: m.Answer, Fresh: m.Fresh, More: m.More, Marks: framed(m.Marks)}
	case *Digest:
		return &wire.TopicDigest{Group: g, Copy: m.Copy, Hops: m.Hops, Marks: framed(m.Marks)}
	case *Pull:
		f := &wire.TopicPull{Group: g, Publisher: m.Publisher, Epoch: m.Epoch, Ranges: make([]wire.TopicRange, 0, len(m.Ranges))}
		for _, r := range m.Ranges {
			f.Ranges = append(f.Ranges, wire.TopicRange(r))
		}
		return f
	case *Enter:
		return &wire.TopicEnter{Group: g, Stripe: uint8(m.Stripe)}
	}
	return nil
}

func framed(marks []Mark) []wire.TopicMark {
	out := make([]wire.TopicMark, 0, len(marks))
	for _, k := range marks {
		out = append(out, wire.TopicMark{Publisher: k.Publisher, Epoch: k.Epoch, Low: k.Low, High: k.High})
	}
	return out
}

// Parse returns the message in a frame of a topic's data. It keeps no memory of
// the frame. A frame of another sort, or one that breaks a rule, gives ErrFrame.
func Parse(f wire.Frame) (m Message, err error) {
	ok := true
	switch f := f.(type) {
	case *wire.TopicData:
		m = &Data{
			Stream: Stream{f.Publisher, f.Epoch}, Seq: f.Seq, Hops: f.Hops, Twin: f.Twin,
			Body: wire.Body{Type: f.Body.Type, Data: bytes.Clone(f.Body.Data)}, Trace: f.Trace,
		}
		ok = !f.Publisher.IsZero() && f.Seq > 0 && f.Seq <= maxSeq && f.Hops <= maxHops &&
			int(f.Stripe) == scribe.StripeOf(f.Publisher, scribe.Stripes)
	case *wire.TopicSync:
		s := &Sync{Stripe: int(f.Stripe), Answer: f.Answer, Fresh: f.Fresh, More: f.More}
		s.Marks, ok = marked(f.Marks)
		m, ok = s, ok && s.Stripe < scribe.Stripes
	case *wire.TopicDigest:
		d := &Digest{Copy: f.Copy, Hops: f.Hops}
		d.Marks, ok = marked(f.Marks)
		m, ok = d, ok && f.Hops <= maxHops
	case *wire.TopicPull:
		p := &Pull{Stream: Stream{f.Publisher, f.Epoch}}
		for _, r := range f.Ranges {
			ok = ok && 0 < r.From && r.From <= r.To
			p.Ranges = append(p.Ranges, Range(r))
		}
		m, ok = p, ok && !f.Publisher.IsZero()
	case *wire.TopicEnter:
		m, ok = &Enter{Stripe: int(f.Stripe)}, int(f.Stripe) < scribe.Stripes
	default:
		ok = false
	}
	if !ok {
		return nil, ErrFrame
	}
	return m, nil
}

func marked(list []wire.TopicMark) (marks []Mark, ok bool) {
	marks = make([]Mark, 0, len(list))
	for _, t := range list {
		k := Mark{Stream: Stream{t.Publisher, t.Epoch}, Low: t.Low, High: t.High}
		if !k.sound() || k.Publisher.IsZero() {
			return nil, false
		}
		marks = append(marks, k)
	}
	return marks, true
}
