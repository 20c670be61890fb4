package router

import (
	"testing"
	"time"

	"iris/internal/id"
)

func TestTheTableHasRowsByDigits(t *testing.T) {
	at := func(x uint64) id.ID { return id.ID{Hi: x << 56} }
	r := NewStructured(at(0x10), 1, Ring{Leaves: spread(0x18, 0x20), Table: spread(0x40, 0x80, 0x83, 0x1c), Active: true, Size: 40}, nil)
	if got := r.Leaves(); len(got) != 2 || got[0] != at(0x18) || got[1] != at(0x20) {
		t.Errorf("leaves are %v", got)
	}
	rows := r.Table()
	if len(rows) != 2 || rows[0].Shared != 0 || rows[1].Shared != 1 {
		t.Fatalf("rows are %+v", rows)
	}
	for _, c := range []struct {
		row, column int
		want        id.ID
	}{{0, 1, id.ID{}}, {0, 2, at(0x20)}, {0, 4, at(0x40)}, {0, 8, at(0x80)}, {1, 8, at(0x18)}, {1, 0xc, at(0x1c)}, {1, 0, id.ID{}}} {
		if got := rows[c.row].Nodes[c.column]; got != c.want {
			t.Errorf("row %d, digit %x: %v, want %v", c.row, c.column, got, c.want)
		}
	}
	if NewRoutes(at(0x10), 1, nil).Table() != nil {
		t.Error("a mesh has no table")
	}
}

func TestLossesAreTheLatest(t *testing.T) {
	r := &Router{}
	begin := time.Unix(1000, 0)
	for i := range maxLosses + 8 {
		r.losses.note(Loss{Peer: Peer{ID: id.ID{Lo: uint64(i) + 1}}, At: begin.Add(time.Duration(i) * time.Second)})
	}
	r.losses.note(Loss{Peer: Peer{ID: id.ID{Lo: 20}}, At: begin.Add(time.Hour)}) // again
	all, late := r.Losses(time.Time{}), r.Losses(begin.Add(38*time.Second))
	if len(all) != maxLosses || all[0].Peer.ID.Lo != 9 || all[maxLosses-1].Peer.ID.Lo != 20 || len(late) != 3 {
		t.Errorf("all %v, late %v", all, late)
	}
}
