package pastry

import (
	"errors"
	"fmt"
	"time"
)

// Config holds what all nodes of an overlay should agree on. A zero field means
// its default; nodes share one Config and do not change it.
type Config struct {
	Leaf    int // leaf set size, even: 32
	MeshMax int // up to so many nodes everybody is a leaf: 256; negative: never
	MeshMin int // fewer than so many form a mesh again: 25/32 of MeshMax, 200

	Heartbeat time.Duration // silence towards the predecessor ends after: 10 s
	ProbeMin  time.Duration // least wait for the answer to a probe: 300 ms
	RTOMin    time.Duration // least allowance above the smoothed round trip: 30 ms
	RTOFirst  time.Duration // wait for a neighbour not measured yet: 500 ms
	Tries     int           // unanswered probes before a node is dead: 3
	Expire    time.Duration // a message without a next hop is given up after: 30 s
	Pause     time.Duration // a wake-up later than this means the process stood still: 2 s
	Pending   int           // messages awaiting their acknowledgement: 4096

	TableLoss float64       // part of lookups that may meet a dead table entry: 0.1
	TableMin  time.Duration // bounds of the period of table probes: 1 min
	TableMax  time.Duration // 1 h
	Exchange  time.Duration // one table row is compared with a neighbour's every: 20 min
	Search    int           // rounds of looking for a near node before joining: 3
	Settle    int           // rows compared soon after joining: 4

	HealMin time.Duration // bounds of the period of looking for lost nodes: 15 s
	HealMax time.Duration // 5 min
	Gone    time.Duration // lost nodes are looked for during: 90 min
}

// Defaults returns c with its zero fields replaced.
func (c Config) Defaults() Config {
	ints := []struct {
		v *int
		d int
	}{{&c.Leaf, 32}, {&c.MeshMax, 256}, {&c.Tries, 3}, {&c.Pending, 4096}, {&c.Search, 3}, {&c.Settle, 4}}
	for _, f := range ints {
		if *f.v == 0 {
			*f.v = f.d
		}
	}
	if c.MeshMin == 0 {
		c.MeshMin = c.MeshMax * 25 / 32
	}
	times := []struct {
		v *time.Duration
		d time.Duration
	}{
		{&c.Heartbeat, 10 * time.Second},
		{&c.ProbeMin, 300 * time.Millisecond},
		{&c.RTOMin, 30 * time.Millisecond},
		{&c.RTOFirst, 500 * time.Millisecond},
		{&c.Expire, 30 * time.Second},
		{&c.Pause, 2 * time.Second},
		{&c.TableMin, time.Minute},
		{&c.TableMax, time.Hour},
		{&c.Exchange, 20 * time.Minute},
		{&c.HealMin, 15 * time.Second},
		{&c.HealMax, 5 * time.Minute},
		{&c.Gone, 90 * time.Minute},
	}
	for _, f := range times {
		if *f.v == 0 {
			*f.v = f.d
		}
	}
	if c.TableLoss == 0 {
		c.TableLoss = 0.1
	}
	return c
}

// rows returns how many rows a new node compares soon after its join.
func (c *Config) rows(nodes float64) uint8 {
	k := uint8(0)
	for nodes > 16 && int(k) < c.Settle {
		k, nodes = k+1, nodes/16
	}
	return k
}

// Validate reports every problem of c.
func (c Config) Validate() error {
	c = c.Defaults()
	var errs []error
	if c.Leaf < 4 || c.Leaf%2 != 0 || c.Leaf > 128 {
		errs = append(errs, fmt.Errorf("leaf set of %d: want an even number from 4 to 128", c.Leaf))
	}
	if c.MeshMax >= MaxLeaves {
		errs = append(errs, fmt.Errorf("mesh_max %d: want less than %d", c.MeshMax, MaxLeaves))
	}
	if c.MeshMax > 0 && c.MeshMin > c.MeshMax {
		errs = append(errs, fmt.Errorf("mesh_min %d is above mesh_max %d", c.MeshMin, c.MeshMax))
	}
	if c.Tries < 1 || c.Tries > 10 {
		errs = append(errs, fmt.Errorf("%d tries: want 1 to 10", c.Tries))
	}
	if c.TableLoss <= 0 || c.TableLoss >= 1 {
		errs = append(errs, fmt.Errorf("table loss %v: want a part of 1", c.TableLoss))
	}
	return errors.Join(errs...)
}
