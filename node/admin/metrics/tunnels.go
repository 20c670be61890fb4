package metrics

var (
	tunnelsOpen  = gauge("iris_tunnels", "Tunnel ends that are open.")
	tunnelsStuck = gauge("iris_tunnels_stalled", "Tunnel ends whose sender waits for the reader at the other end.")
	tunnelsEver  = counter("iris_tunnels_opened_total", "Tunnel ends that were ever open.")
	tunnelsOut   = counter("iris_tunnel_sent_bytes_total", "Bytes of payload sent through tunnels.")
	tunnelsIn    = counter("iris_tunnel_received_bytes_total", "Bytes of payload received through tunnels.")

	tunnelFamilies = []*Family{tunnelsOpen, tunnelsStuck, tunnelsEver, tunnelsOut, tunnelsIn}
)

// pipes tells of tunnels.
func (c *Collector) pipes(s scrape) {
	n := c.cfg.Tunnels.Counts()
	s.put(tunnelsOpen, float64(n.Open))
	s.put(tunnelsStuck, float64(n.Stalled))
	s.put(tunnelsEver, float64(n.Ever))
	s.put(tunnelsOut, float64(n.Sent))
	s.put(tunnelsIn, float64(n.Received))
}
