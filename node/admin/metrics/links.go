package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"iris/router"
	"iris/transport"
)

var (
	peers      = gauge("iris_peers", "Nodes that this one is linked with, by what the failure detector thinks of them.", "state")
	known      = gauge("iris_ring_nodes", "Nodes of the network that this one knows.")
	rtt        = summary("iris_link_rtt_seconds", "Smoothed round trips of the links at this moment, in seconds; the sum and the count are of the links, not of time.")
	packets    = counter("iris_link_packets_sent_total", "Packets sent on links. Of links that ended since the last scrape, the last ones are missing, here and below.")
	lost       = counter("iris_link_packets_lost_total", "Packets sent on links and declared lost.")
	out        = counter("iris_link_sent_bytes_total", "Bytes sent on links, with all headers but those of UDP and IP.")
	in         = counter("iris_link_received_bytes_total", "Bytes received on links, with all headers but those of UDP and IP.")
	skipped    = counter("iris_link_frames_skipped_total", "Frames received of a kind that this node does not know.")
	lanes      = gauge("iris_lane_queued_bytes", "Bytes that wait to be sent, by lane, of all links together.", "lane")
	fullest    = gauge("iris_lane_fullest_bytes", "Bytes that wait to be sent in the fullest lane of that name.", "lane")
	frames     = counter("iris_lane_frames_total", "Frames sent, by lane; on the lane bulk they are pieces of large messages.", "lane")
	frameBytes = counter("iris_lane_bytes_total", "Bytes of the frames sent, by lane.", "lane")
	unfit      = counter("iris_lane_refused_total", "Frames for which a lane had no room.", "lane")
	large      = counter("iris_large_messages_total", "Messages larger than a frame, by direction: taken to send, or begun to receive.", "direction")
	refused    = counter("iris_links_refused_total", "Connections that were turned away: another key, another network, too many.")

	linkFamilies = []*Family{peers, known, rtt, packets, lost, out, in, skipped, lanes, fullest, frames, frameBytes, unfit, large, refused}
)

// tally is what of every link, or of every lane of a name, is counted in one family.
type tally struct {
	family *Family
	label  string // empty: none
}

// linkGrowth sums what links count.
type linkGrowth map[tally]*growth[*transport.Link]

// look takes the counters of all links, and tells the sums.
func (g linkGrowth) look(s scrape, now map[tally]map[*transport.Link]uint64) {
	for t, counts := range now {
		if g[t] == nil {
			g[t] = &growth[*transport.Link]{}
		}
		total := float64(g[t].look(counts))
		if t.label == "" {
			s.put(t.family, total)
		} else {
			s.put(t.family, total, t.label)
		}
	}
}

// peers tells of the links.
func (c *Collector) peers(s scrape) {
	routes := c.cfg.Router.Routes()
	states := map[router.State]int{}
	for _, p := range routes.Peers() {
		states[p.State]++
	}
	for _, state := range []router.State{router.Alive, router.Suspect} {
		s.put(peers, float64(states[state]), state.String())
	}
	s.put(known, float64(routes.Len()))
	c.wires(s)
	sent, received := c.cfg.Endpoint.Large()
	s.put(large, float64(sent), "sent")
	s.put(large, float64(received), "received")
	s.put(refused, float64(c.cfg.Endpoint.Refused()))
}

// wires tells what the links count.
func (c *Collector) wires(s scrape) {
	now := map[tally]map[*transport.Link]uint64{}
	for _, f := range []*Family{packets, lost, out, in, skipped} {
		now[tally{f, ""}] = map[*transport.Link]uint64{}
	}
	var trips []float64
	var queued, most [transport.Bulk + 1]int
	for lane := range transport.Bulk + 1 {
		for _, f := range []*Family{frames, frameBytes, unfit} {
			now[tally{f, lane.String()}] = map[*transport.Link]uint64{}
		}
	}
	for _, l := range c.cfg.Endpoint.Links() {
		st := l.Stats()
		trips = append(trips, st.RTT.Seconds())
		now[tally{packets, ""}][l] = st.PacketsSent
		now[tally{lost, ""}][l] = st.PacketsLost
		now[tally{out, ""}][l] = st.BytesSent
		now[tally{in, ""}][l] = st.BytesReceived
		now[tally{skipped, ""}][l] = st.Skipped
		for _, x := range l.Lanes() {
			name := x.Lane.String()
			now[tally{frames, name}][l] = x.Sent
			now[tally{frameBytes, name}][l] = x.Bytes
			now[tally{unfit, name}][l] = x.Refused
			queued[x.Lane] += x.Queued
			most[x.Lane] = max(most[x.Lane], x.Queued)
		}
	}
	s.out <- prometheus.MustNewConstSummary(rtt.desc, uint64(len(trips)), sum(trips), quantiles(trips))
	c.links.look(s, now)
	for lane := range transport.Bulk + 1 {
		s.put(lanes, float64(queued[lane]), lane.String())
		s.put(fullest, float64(most[lane]), lane.String())
	}
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

// quantiles returns the middle, nine tenths, and the most; nothing of nothing.
func quantiles(values []float64) map[float64]float64 {
	q := map[float64]float64{}
	if len(values) == 0 {
		return q
	}
	slices.Sort(values)
	for _, at := range []float64{0.5, 0.9, 1} {
		q[at] = values[int(at*float64(len(values)-1))]
	}
	return q
}
