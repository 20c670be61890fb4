package metrics

import "maps"

var (
	clients    = gauge("iris_relay_clients", "Programs attached to the relay.")
	published  = counter("iris_events_published_total", "Events of the node that were published to its event stream.")
	missed     = counter("iris_events_lost_total", "Events that subscribers of the event stream missed, because they were too slow.")
	used       = gauge("iris_memory_used_bytes", "Bytes that queues hold of limits.memory: lanes of links, large messages that arrive, mailboxes.", "queue")
	limit      = gauge("iris_memory_limit_bytes", "Bytes that queues may hold at most.", "queue")
	beacons    = counter("iris_discovery_beacons_total", "Beacons of discovery, by what became of them.", "what")
	ignored    = counter("iris_discovery_dropped_total", "Datagrams of discovery that were dropped, by the reason why.", "reason")
	lookups    = counter("iris_discovery_lookups_total", "Times that a provider of addresses was asked: DNS, a program, etcd.", "provider")
	lookupErrs = counter("iris_discovery_lookup_failures_total", "Times that this, or to register there, failed in whole or in part.", "provider")
	answers    = gauge("iris_discovery_lookup_addresses", "Addresses that the last one found.", "provider")
	denied     = counter("iris_admin_refused_total", "Requests to this endpoint that were refused, by the reason why.", "reason")
	watchers   = gauge("iris_admin_streams", "Event streams that this endpoint serves.")

	otherFamilies = []*Family{clients, published, missed, used, limit, beacons, ignored, lookups, lookupErrs, answers, denied, watchers}
)

// others tells of the small parts.
func (c *Collector) others(s scrape) {
	s.put(clients, float64(c.cfg.Relay()))
	n := c.cfg.System.Counters()
	s.put(published, float64(n.Events))
	s.put(missed, float64(n.EventsLost))
	c.memory(s)
	d := c.cfg.Discovery()
	for what, n := range map[string]uint64{
		"sent": d.Sent, "not sent": d.SendFailed, "own": d.Own, "accepted": d.Accepted, "answered": d.Answered, "not answered": d.Suppressed,
	} {
		s.put(beacons, float64(n), what)
	}
	for reason, n := range map[string]uint64{
		"source": d.DroppedSource, "rate": d.DroppedTotal, "malformed": d.DroppedMalformed, "version": d.DroppedVersion, "network": d.DroppedForeign,
		"forged": d.DroppedForged, "replay": d.DroppedReplay, "clock": d.DroppedClock, "queue": d.DroppedQueue,
	} {
		s.put(ignored, float64(n), reason)
	}
	for _, l := range d.Lookups {
		s.put(lookups, float64(l.Lookups), l.Name)
		s.put(lookupErrs, float64(l.Failures), l.Name)
		s.put(answers, float64(l.Addrs), l.Name)
	}
	for reason, n := range maps.All(c.cfg.Admin.Refused()) {
		s.put(denied, float64(n), reason)
	}
	s.put(watchers, float64(c.cfg.Admin.Streams()))
}

// memory tells what queues hold.
func (c *Collector) memory(s scrape) {
	m := c.cfg.Endpoint.Memory()
	boxes, most := c.cfg.System.MailboxMemory()
	for _, part := range []struct {
		name        string
		used, limit int64
	}{{"lanes", m.Lanes, m.LanesLimit}, {"arriving", m.Arriving, m.ArrivingLimit}, {"mailboxes", boxes, most}} {
		s.put(used, float64(part.used), part.name)
		s.put(limit, float64(part.limit), part.name)
	}
}
