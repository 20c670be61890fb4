package transport

import "time"

// LaneStats describes one lane of a link at one moment.
type LaneStats struct {
	Lane    Lane
	Queued  int // bytes that wait or are being written
	Limit   int // bytes that may wait
	Sent    uint64
	Bytes   uint64        // of the frames sent
	Refused uint64        // frames that found no room
	Stalled time.Duration // how long the write under way has lasted; 0: none
}

// Lanes describes the lanes of the link, most urgent first. What is large travels on
// the last one, in chunks.
func (l *Link) Lanes() []LaneStats {
	list := make([]LaneStats, 0, laneCount)
	for _, x := range l.lanes {
		list = append(list, x.stats())
	}
	return list
}

func (l *lane) stats() LaneStats {
	stalled, _ := l.stalled()
	l.mu.Lock()
	defer l.mu.Unlock()
	return LaneStats{
		Lane: l.name, Queued: l.waiting + l.writing, Limit: l.limit,
		Sent: l.sent + uint64(l.frames), Bytes: l.volume + uint64(l.waiting), Refused: l.refused, Stalled: stalled,
	}
}
