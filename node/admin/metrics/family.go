package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Family is one metric with its labels, as the documentation lists it.
type Family struct {
	Name   string
	Type   string // counter, gauge, histogram, summary
	Labels []string
	Help   string // with the unit

	desc *prometheus.Desc
}

func newFamily(kind, name, help string, labels ...string) *Family {
	return &Family{Name: name, Type: kind, Labels: labels, Help: help, desc: prometheus.NewDesc(name, help, labels, nil)}
}

func counter(name, help string, labels ...string) *Family {
	return newFamily("counter", name, help, labels...)
}

func gauge(name, help string, labels ...string) *Family {
	return newFamily("gauge", name, help, labels...)
}

func summary(name, help string, labels ...string) *Family {
	return newFamily("summary", name, help, labels...)
}

func histogram(name, help string, labels ...string) *Family {
	return newFamily("histogram", name, help, labels...)
}

// scrape is one answer in the making.
type scrape struct{ out chan<- prometheus.Metric }

// put tells the value of a counter or gauge.
func (s scrape) put(f *Family, value float64, labels ...string) {
	kind := prometheus.GaugeValue
	if f.Type == "counter" {
		kind = prometheus.CounterValue
	}
	s.out <- prometheus.MustNewConstMetric(f.desc, kind, value, labels...)
}
