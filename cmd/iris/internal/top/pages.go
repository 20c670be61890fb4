package top

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"iris/cmd/iris/internal/table"
	"iris/internal/printable"
	"iris/node/inspect"
)

// page is what one screen lists.
type page struct {
	name   string
	orders []string // in which it can be, the first unless another is chosen
	table  func(m *Model) *table.Table
}

// pages in the order of their keys.
func pages() []page {
	return []page{
		{"nodes", []string{"ring", "name", "actors", "dropped", "failures"}, (*Model).nodes},
		{"clusters", []string{"answered", "name", "queued", "failed", "p99"}, (*Model).clusters},
		{"actors", []string{"busy", "queued", "oldest", "handled", "failures"}, (*Model).actors},
		{"dead letters", []string{"rate", "count", "reason"}, (*Model).letters},
	}
}

// sorted returns a list in the order that is chosen: by its weights, heaviest
// first, or where there are none, by its names.
func sorted[T any](m *Model, list []T, weight map[string]func(T) float64, name map[string]func(T) string) []T {
	list = slices.Clone(list)
	order := m.order()
	if w := weight[order]; w != nil {
		slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(w(b), w(a)) })
	} else if n := name[order]; n != nil {
		slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(n(a), n(b)) })
	}
	if m.reversed {
		slices.Reverse(list)
	}
	return list
}

func (m *Model) nodes() *table.Table {
	list := sorted(m, m.now.Network, map[string]func(inspect.Brief) float64{
		"actors":   func(b inspect.Brief) float64 { return float64(b.Actors) },
		"dropped":  func(b inspect.Brief) float64 { return float64(b.Dropped) },
		"failures": func(b inspect.Brief) float64 { return float64(b.Failures) },
	}, map[string]func(inspect.Brief) string{"name": func(b inspect.Brief) string { return b.Name }})
	t := table.New("NODE", "~NAME", "STATE", "~ZONE", ">LINKS", ">RTT", ">CLUSTERS", ">TOPICS", ">TUNNELS", ">ACTORS", ">DROPPED", ">FAILURES")
	for _, b := range list {
		rtt, n := int64(0), int64(len(b.Links))
		for _, l := range b.Links {
			rtt += l.RTT
		}
		state := b.State
		if b.Error != "" {
			state += " (" + b.Error + ")"
		}
		t.Row(table.Node(b.ID), table.Text(b.Name), table.Cut(printable.Text(state), 24), table.Text(b.Zone), strconv.FormatInt(n, 10), table.Micros(rtt/max(n, 1)),
			strconv.Itoa(b.Clusters), strconv.Itoa(b.Topics), strconv.Itoa(b.Tunnels), table.Count(b.Actors), table.Count(b.Dropped), table.Count(b.Failures))
	}
	return t
}

func (m *Model) clusters() *table.Table {
	list := sorted(m, m.now.Clusters, map[string]func(inspect.Cluster) float64{
		"answered": func(c inspect.Cluster) float64 { return m.rates.answered[c.Name] },
		"queued":   func(c inspect.Cluster) float64 { return float64(c.Queued) },
		"failed":   func(c inspect.Cluster) float64 { return float64(c.Failed) },
		"p99":      func(c inspect.Cluster) float64 { return float64(c.P99) },
	}, map[string]func(inspect.Cluster) string{"name": func(c inspect.Cluster) string { return c.Name }})
	t := table.New("~CLUSTER", ">HERE", ">MEMBERS", ">ANSWERED/S", ">IN FLIGHT", ">QUEUED", ">FAILED", ">RESTARTS", ">P50", ">P99", ">ASK P99")
	for _, c := range list {
		t.Row(c.Name, strconv.Itoa(c.Local), strconv.Itoa(c.Members), m.rate(m.rates.answered[c.Name]), table.Count(c.InFlight), table.Count(c.Queued),
			table.Count(c.Failed), table.Count(c.Restarts), table.Micros(c.P50), table.Micros(c.P99), table.Micros(c.AskP99))
	}
	return t
}

func (m *Model) actors() *table.Table {
	list := sorted(m, m.now.Actors, map[string]func(inspect.Actor) float64{
		"busy":     func(a inspect.Actor) float64 { return m.rates.busy[a.Path] },
		"queued":   func(a inspect.Actor) float64 { return float64(a.Queued) },
		"oldest":   func(a inspect.Actor) float64 { return float64(a.Oldest) },
		"handled":  func(a inspect.Actor) float64 { return m.rates.handled[a.Path] },
		"failures": func(a inspect.Actor) float64 { return float64(a.Failures) },
	}, nil)
	t := table.New("~ACTOR", "STATE", ">BUSY", ">HANDLED/S", ">QUEUED", ">OLDEST", ">FAILURES", ">RESTARTS", "~~LAST ERROR")
	for _, a := range list {
		busy := table.None
		if m.rates.known {
			busy = fmt.Sprintf("%.0f%%", 100*m.rates.busy[a.Path])
		}
		t.Row(a.Path, a.State, busy, m.rate(m.rates.handled[a.Path]), table.Count(a.Queued), table.Micros(a.Oldest), table.Count(a.Failures), strconv.Itoa(a.Restarts), a.LastError)
	}
	return t
}

func (m *Model) letters() *table.Table {
	list := sorted(m, m.now.Letters, map[string]func(inspect.DeadLetters) float64{
		"rate":  func(d inspect.DeadLetters) float64 { return m.rates.letters[d.Reason] },
		"count": func(d inspect.DeadLetters) float64 { return float64(d.Count) },
	}, map[string]func(inspect.DeadLetters) string{"reason": func(d inspect.DeadLetters) string { return d.Reason }})
	t := table.New("~REASON", ">PER SECOND", ">COUNT", ">LATEST", "~TO", "~TYPE")
	for _, d := range list {
		row := []string{d.Reason, m.rate(m.rates.letters[d.Reason]), table.Count(d.Count)}
		if n := len(d.Samples); n > 0 {
			s := slices.MaxFunc(d.Samples, func(a, b inspect.Letter) int { return a.Time.Compare(b.Time) })
			row = append(row, table.Since(s.Time, m.now.Node.Now), s.Target, s.Type)
		}
		t.Row(row...)
	}
	return t
}

// rate writes what happens per second; nothing before there are two snapshots.
func (m *Model) rate(f float64) string {
	switch {
	case !m.rates.known:
		return table.None
	case f > 0 && f < 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return table.Count(f)
}
