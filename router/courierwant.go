package router

import (
	"slices"
	"time"
)

const (
	callFor    = time.Second            // patience with the last address of a round
	searchFor  = 6 * time.Second        // with the overlay; it gives up by itself after 5 s
	wantedMin  = 50 * time.Millisecond  // pause after a round in vain, doubling, jittered
	wantedMax  = 5 * time.Second        // its limit
	hopeless   = 2                      // rounds in vain after which others are told
	notThere   = 2                      // searches that found nobody after which frames are given up
	courierMax = 64                     // nodes dialled or looked for at one time
	courierRun = 50 * time.Millisecond  // how often the courier looks while something waits
	courierSit = 500 * time.Millisecond // and else
)

// want is a node that should have a link and has none. It is tried in rounds:
//
//	resting ──▶ calling ──▶ searching ──▶ calling ──▶ resting, longer each time
//	            the known   the overlay   what was
//	            addresses                 found
//
// It is pure: step says what to do, the courier does it. A link that comes up
// ends it, whoever dialled.
type want struct {
	doing    doing
	addrs    []string // to call, best first
	at       int      // index of the next one
	out      []string // called, and nothing heard yet
	searched bool     // in this round
	next     time.Time
	failures int // rounds in vain
	absent   int // searches in a row that found that the node is not there
	told     bool
}

type doing uint8

const (
	resting doing = iota
	calling
	searching
)

// step says what to do now: call an address, or search. jitter varies a pause.
func (w *want) step(now time.Time, jitter func(time.Duration) time.Duration) (call string, search bool) {
	for !now.Before(w.next) {
		switch {
		case w.doing == resting:
			w.doing, w.at, w.searched, w.out = calling, 0, false, nil
		case w.doing == searching:
			w.fail(now, jitter)
		case w.at < len(w.addrs):
			call = w.addrs[w.at]
			w.at++
			w.out = append(w.out, call)
			w.next = now.Add(stagger)
			if w.at == len(w.addrs) {
				w.next = now.Add(callFor)
			}
			return call, false
		case w.searched:
			w.fail(now, jitter)
		default:
			w.doing, w.next = searching, now.Add(searchFor)
			return "", true
		}
	}
	return "", false
}

func (w *want) fail(now time.Time, jitter func(time.Duration) time.Duration) {
	w.doing = resting
	w.next = now.Add(jitter(min(wantedMin<<min(w.failures, 12), wantedMax)))
	w.failures++
}

// failed takes the news that a call led to nothing. It reports whether that was
// the last of the calls made so far.
func (w *want) failed(now time.Time, addr string) bool {
	i := slices.Index(w.out, addr)
	if i < 0 {
		return false
	}
	w.out = slices.Delete(w.out, i, i+1)
	if w.doing != calling || len(w.out) > 0 {
		return false
	}
	w.next = now
	return true
}

// found takes the result of a search: where the node is, nil if it is not in the
// overlay.
func (w *want) found(now time.Time, addrs []string, there bool, jitter func(time.Duration) time.Duration) {
	if w.doing != searching {
		return
	}
	if there {
		w.absent = 0
	} else {
		w.absent++
	}
	if len(addrs) == 0 {
		w.fail(now, jitter)
		return
	}
	w.doing, w.searched, w.at, w.out, w.addrs, w.next = calling, true, 0, nil, addrs, now
}
