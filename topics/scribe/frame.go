package scribe

import (
	"errors"
	"math"
	"slices"
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

// ErrFrame is returned by Parse for a frame that no machine sends.
var ErrFrame = errors.New("scribe: frame breaks a rule")

// Frame returns a message of one stripe of a group as it travels. The frame
// shares the message's slices.
func Frame(g wire.Group, stripe int, m Message) wire.Frame {
	s := uint8(stripe)
	switch m := m.(type) {
	case *Join:
		return &wire.TreeJoin{Group: g, Stripe: s, Seq: m.Seq, Found: uint8(m.Kind), Members: m.Size, Sample: m.Sample}
	case *Ack:
		return &wire.TreeAck{
			Group: g, Stripe: s, Seq: m.Seq, Code: uint8(m.Code), Rooted: m.Rooted, Path: m.Path, Backups: m.Backups,
			Others: framed(m.Others), Next: m.Next, Sample: m.Sample, Mode: uint8(m.Mode),
		}
	case *Leave:
		return &wire.TreeLeave{Group: g, Stripe: s}
	case *Replica:
		return &wire.TreeReplica{Group: g, Stripe: s, Children: m.Children}
	case *Invite:
		return &wire.TreeInvite{Group: g, Stripe: s, Old: m.Old}
	}
	return nil
}

func framed(others []Other) []wire.TreeOther {
	out := make([]wire.TreeOther, 0, len(others))
	for _, o := range others {
		us := min(max(o.RTT.Microseconds(), 0), math.MaxUint32)
		out = append(out, wire.TreeOther{Node: o.Node, RTTMicros: uint32(us), Members: o.Size})
	}
	return out
}

// Parse returns the message in a frame of a tree, and its stripe, which is one
// of [Stripes]. It keeps no memory of the frame. A frame of another sort, or one
// that breaks a rule, gives ErrFrame.
func Parse(f wire.Frame) (m Message, stripe int, err error) {
	ok := true
	switch f := f.(type) {
	case *wire.TreeJoin:
		stripe = int(f.Stripe)
		m = &Join{Seq: f.Seq, Kind: Kind(f.Found), Size: f.Members, Sample: slices.Clone(f.Sample)}
		ok = f.Found <= uint8(Refresh)
	case *wire.TreeAck:
		stripe = int(f.Stripe)
		a := &Ack{
			Seq: f.Seq, Code: Code(f.Code), Rooted: f.Rooted, Path: slices.Clone(f.Path), Backups: slices.Clone(f.Backups),
			Next: f.Next, Sample: slices.Clone(f.Sample), Mode: Mode(f.Mode),
		}
		for _, o := range f.Others {
			a.Others = append(a.Others, Other{o.Node, time.Duration(o.RTTMicros) * time.Microsecond, o.Members})
		}
		m, ok = a, f.Code <= uint8(Dropped) && f.Mode <= uint8(Trees) && named(f.Path) && named(f.Backups)
	case *wire.TreeLeave:
		m, stripe = &Leave{}, int(f.Stripe)
	case *wire.TreeReplica:
		m, stripe = &Replica{Children: slices.Clone(f.Children)}, int(f.Stripe)
		ok = named(f.Children)
	case *wire.TreeInvite:
		m, stripe = &Invite{Old: f.Old}, int(f.Stripe)
	default:
		ok = false
	}
	if !ok || stripe >= Stripes {
		return nil, 0, ErrFrame
	}
	return m, stripe, nil
}

// named reports whether no id is the zero one, which means nobody.
func named(list []id.ID) bool { return !slices.Contains(list, id.ID{}) }
