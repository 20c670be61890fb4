package reliable

// Published returns the stream of this node and the seq of its latest message in
// it; false while there is none, or after a silence of Config.Forget.
func (m *Machine) Published() (Stream, uint64, bool) {
	if m.own == nil {
		return Stream{}, 0, false
	}
	return m.own.Stream, m.own.high, true
}
