package actor

import "math/bits"

// Shape of a wheel: each level has wheelLists lists, each of which spans as many ticks as a whole level below. What is
// farther away than the wheel reaches (2^30 ticks) waits in its last level and goes around.
const (
	wheelBits   = 6
	wheelLists  = 1 << wheelBits
	wheelLevels = 5
)

// wheel keeps what is due at a tick, by number: add and remove cost the same however much is waiting (Varghese and Lauck,
// 1987). It knows no clock; the zero wheel is empty and at tick 0.
//
// Invariants:
//  1. now never falls, and nothing in the wheel is due at or before now
//  2. what is due within the same 64 ticks as now is in level 0, in the list of its tick; else it is in the level of the highest group
//     of bits in which its tick and now differ
//  3. a bit of busy is set exactly when its list is not empty
type wheel struct {
	now     int64
	busy    [wheelLevels]uint64
	lists   [wheelLevels][wheelLists]int32 // number of the first entry and 1; 0: none
	entries []wheelEntry
}

type wheelEntry struct {
	due         int64 // 0: not in the wheel
	next, prev  int32 // number and 1; 0: none
	level, list uint8
}

// resize gives an empty wheel room for the numbers below n.
func (w *wheel) resize(n int) {
	*w = wheel{now: w.now, entries: make([]wheelEntry, n)}
}

// add enters number i, which is not in the wheel. What is due already is due at the next tick.
func (w *wheel) add(i int, due int64) {
	e := &w.entries[i]
	e.due = max(due, w.now+1)
	level := min((bits.Len64(uint64(e.due^w.now))-1)/wheelBits, wheelLevels-1)
	list := e.due >> (wheelBits * level) & (wheelLists - 1)
	e.level, e.list = uint8(level), uint8(list)
	first := &w.lists[level][list]
	if *first != 0 {
		w.entries[*first-1].prev = int32(i + 1)
	}
	e.next, e.prev = *first, 0
	*first = int32(i + 1)
	w.busy[level] |= 1 << list
}

// remove takes number i out; it is in the wheel.
func (w *wheel) remove(i int) {
	e := &w.entries[i]
	if e.next != 0 {
		w.entries[e.next-1].prev = e.prev
	}
	if e.prev != 0 {
		w.entries[e.prev-1].next = e.next
	} else if w.lists[e.level][e.list] = e.next; e.next == 0 {
		w.busy[e.level] &^= 1 << e.list
	}
	*e = wheelEntry{}
}

// next returns the tick at which advance has something to do: nothing is due before. ok is false if the wheel is empty.
func (w *wheel) next() (tick int64, ok bool) {
	_, _, tick, ok = w.nearest()
	return tick, ok
}

// nearest returns the list to be looked at next, and the tick at which it begins.
func (w *wheel) nearest() (level, list int, tick int64, ok bool) {
	for level, busy := range w.busy {
		if busy == 0 {
			continue
		}
		shift := wheelBits * level
		after := int(w.now>>shift&(wheelLists-1)) + 1 // the list of now itself is a whole turn away
		list = (after + bits.TrailingZeros64(bits.RotateLeft64(busy, -after))) % wheelLists
		turn := int64(1) << (shift + wheelBits)
		tick = w.now&^(turn-1) + int64(list)<<shift
		if tick <= w.now { // only in the last level: the next time around
			tick += turn
		}
		return level, list, tick, true
	}
	return 0, 0, 0, false
}

// advance moves on to tick and calls due for each number that is due by then, taken out before. due may neither add nor
// remove.
func (w *wheel) advance(tick int64, due func(i int)) {
	for {
		level, list, begins, ok := w.nearest()
		if !ok || begins > tick {
			break
		}
		w.now = begins
		i := w.lists[level][list]
		w.lists[level][list] = 0
		w.busy[level] &^= 1 << list
		for i != 0 {
			e := &w.entries[i-1]
			next, at := e.next, e.due
			*e = wheelEntry{}
			if at <= w.now {
				due(int(i - 1))
			} else {
				w.add(int(i-1), at)
			}
			i = next
		}
	}
	w.now = max(w.now, tick)
}
