package relay_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"iris/actor"
	"iris/node/relay/packet"
)

// model is the relay as its clients may expect it: what each has to read because
// of what all have sent.
type model struct {
	h       *house
	serial  string // makes names of this run
	clients []*modelled
	asked   map[uint64]*asked
	last    uint64
}

// modelled is a client with a goroutine that reads.
type modelled struct {
	*raw
	number  uint64 // the relay's; an address is used again
	cluster string
	topics  []string
	owed    map[string][]packet.Packet // kind -> packets that must have come, in order
	results map[uint64]string          // request -> outcome that must have come

	mu     sync.Mutex // guards the following fields
	got    map[string][]packet.Packet
	came   map[uint64][]string // request -> outcomes
	serves map[string]uint64   // payload of a request -> the relay's number
	closed bool
}

// asked is a request without an answer.
type asked struct {
	asker, server *modelled
	id            uint64 // the relay's, at the server
}

func (m *model) attach(t *testing.T, rt *rapid.T, cluster string) {
	before := len(told[*actor.RelayClientUp](m.h))
	c := &modelled{
		raw: m.h.attach(t, cluster), cluster: cluster, owed: map[string][]packet.Packet{}, results: map[uint64]string{},
		got: map[string][]packet.Packet{}, came: map[uint64][]string{}, serves: map[string]uint64{},
	}
	m.await(rt, "RelayClientUp", func() bool { return len(told[*actor.RelayClientUp](m.h)) > before })
	c.number = told[*actor.RelayClientUp](m.h)[before].Client
	m.clients = append(m.clients, c)
	go c.read()
}

func (c *modelled) read() {
	for {
		p, err := c.in.Next()
		if err != nil {
			return
		}
		c.mu.Lock()
		switch p := p.(type) {
		case packet.Result:
			c.came[p.ID] = append(c.came[p.ID], outcomeOf(p))
		case packet.Serve:
			c.serves[string(p.Payload)] = p.ID
		case packet.Closed:
			c.closed = true
		default:
			kind := fmt.Sprintf("%T", p)
			c.got[kind] = append(c.got[kind], p)
		}
		c.mu.Unlock()
	}
}

func outcomeOf(r packet.Result) string {
	switch {
	case r.TimedOut:
		return "timeout"
	case r.OK:
		return "ok " + string(r.Payload)
	}
	return "fault"
}

func (c *modelled) owe(p packet.Packet) {
	kind := fmt.Sprintf("%T", p)
	c.owed[kind] = append(c.owed[kind], p)
}

// settle makes c hear of the end of what it has sent so far.
func (m *model) settle(c *modelled) {
	m.last++
	p := packet.Publish{Topic: fmt.Sprint("settled ", m.last), Payload: []byte{}}
	c.send(packet.Subscribe{Topic: p.Topic}, p, packet.Unsubscribe{Topic: p.Topic})
	c.owe(p)
}

// check waits until all clients have read what they must, and fails if one has
// read something else.
func (m *model) check(rt *rapid.T) {
	for i, c := range m.clients {
		diff := ""
		for limit := time.Now().Add(patience); ; {
			c.mu.Lock()
			came := map[uint64]string{}
			for id, outcomes := range c.came {
				came[id] = outcomes[0]
				if len(outcomes) > 1 {
					rt.Fatalf("request %d has the results %q", id, outcomes)
				}
			}
			diff = cmp.Diff(c.owed, c.got) + cmp.Diff(c.results, came)
			c.mu.Unlock()
			if diff == "" || time.Now().After(limit) {
				break
			}
			<-time.After(time.Millisecond)
		}
		if diff != "" {
			rt.Fatalf("client %d of %q (-owed +read):\n%s", i, c.cluster, diff)
		}
	}
}

func (m *model) members(cluster string) (list []*modelled) {
	for _, c := range m.clients {
		if c.cluster == cluster {
			list = append(list, c)
		}
	}
	return list
}

// ask sends a request, and finds out who of the members has got it.
func (m *model) ask(rt *rapid.T, c *modelled, cluster string) {
	m.last++
	id, payload := m.last, fmt.Sprint("request ", m.last)
	c.send(packet.Request{ID: id, Cluster: cluster, Payload: []byte(payload), TimeoutMs: 600_000})
	members := m.members(cluster)
	if len(members) == 0 {
		c.results[id] = "timeout"
		return
	}
	for limit := time.Now().Add(patience); time.Now().Before(limit); <-time.After(time.Millisecond) {
		for _, s := range members {
			s.mu.Lock()
			number, ok := s.serves[payload]
			s.mu.Unlock()
			if ok {
				m.asked[id] = &asked{c, s, number}
				return
			}
		}
	}
	rt.Fatalf("nobody of %d members got the request", len(members))
}

func (m *model) answer(rt *rapid.T) {
	if len(m.asked) == 0 {
		rt.Skip("nothing to answer")
	}
	id := slices.Min(slices.Collect(keysOf(m.asked)))
	a := m.asked[id]
	delete(m.asked, id)
	if rapid.Bool().Draw(rt, "fault") {
		a.server.send(packet.Reply{ID: a.id, Fault: "no"})
		a.asker.results[id] = "fault"
	} else {
		a.server.send(packet.Reply{ID: a.id, OK: true, Payload: []byte("yes")})
		a.asker.results[id] = "ok yes"
	}
}

func keysOf[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// leave ends a client, in order or not; whoever waits for it hears of that.
func (m *model) leave(rt *rapid.T, c *modelled, order bool) {
	if order {
		c.send(packet.Close{})
		m.await(rt, "Closed", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.closed })
	}
	_ = c.conn.Close()
	m.await(rt, "RelayClientDown", func() bool {
		return slices.ContainsFunc(told[*actor.RelayClientDown](m.h), func(e *actor.RelayClientDown) bool { return e.Client == c.number })
	})
	m.clients = slices.DeleteFunc(m.clients, func(o *modelled) bool { return o == c })
	for id, a := range m.asked {
		if a.server == c || a.asker == c {
			a.asker.results[id] = "fault"
			delete(m.asked, id)
		}
	}
}

func (m *model) await(rt *rapid.T, what string, cond func() bool) {
	for limit := time.Now().Add(patience); !cond(); <-time.After(time.Millisecond) {
		if time.Now().After(limit) {
			rt.Fatalf("waited in vain for %s", what)
		}
	}
}

// Clients attach, subscribe, publish, broadcast, ask, answer and leave at random;
// each reads what it must, in order, and nothing else.
func TestModel(t *testing.T) {
	h := houses(t, 1)[0]
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m := &model{h: h, serial: fmt.Sprint("-", run), asked: map[uint64]*asked{}}
		defer func() {
			for _, c := range m.clients {
				_ = c.conn.Close()
			}
		}()
		client := func(rt *rapid.T) *modelled {
			if len(m.clients) == 0 { // to skip would leave hardly an action that is possible, and rapid gives up
				m.attach(t, rt, "")
			}
			return m.clients[rapid.IntRange(0, len(m.clients)-1).Draw(rt, "client")]
		}
		name := func(rt *rapid.T) string { return rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "name") + m.serial }
		rt.Repeat(map[string]func(*rapid.T){
			"attach": func(rt *rapid.T) {
				if len(m.clients) >= 6 {
					rt.Skip("enough clients")
				}
				cluster := ""
				if rapid.IntRange(0, 3).Draw(rt, "pure") > 0 {
					cluster = name(rt)
				}
				m.attach(t, rt, cluster)
			},
			"subscribe": func(rt *rapid.T) {
				c, topic := client(rt), name(rt)
				if slices.Contains(c.topics, topic) {
					rt.Skip("subscribed")
				}
				c.send(packet.Subscribe{Topic: topic})
				c.topics = append(c.topics, topic)
				m.settle(c)
			},
			"unsubscribe": func(rt *rapid.T) {
				c := client(rt)
				if len(c.topics) == 0 {
					rt.Skip("not subscribed")
				}
				c.send(packet.Unsubscribe{Topic: c.topics[0]})
				c.topics = c.topics[1:]
				m.settle(c)
			},
			"publish": func(rt *rapid.T) {
				c, topic := client(rt), name(rt)
				for range rapid.IntRange(1, 20).Draw(rt, "events") {
					m.last++
					p := packet.Publish{Topic: topic, Payload: fmt.Append(nil, m.last)}
					c.send(p)
					for _, o := range m.clients {
						if slices.Contains(o.topics, topic) {
							o.owe(p)
						}
					}
				}
				m.settle(c)
			},
			"broadcast": func(rt *rapid.T) {
				c, cluster := client(rt), name(rt)
				for range rapid.IntRange(1, 5).Draw(rt, "messages") {
					m.last++
					payload := fmt.Append(nil, m.last)
					c.send(packet.Broadcast{Cluster: cluster, Payload: payload})
					for _, o := range m.members(cluster) {
						o.owe(packet.Delivery{Payload: payload})
					}
				}
				m.settle(c)
			},
			"ask":    func(rt *rapid.T) { m.ask(rt, client(rt), name(rt)) },
			"answer": func(rt *rapid.T) { m.answer(rt) },
			"close":  func(rt *rapid.T) { m.leave(rt, client(rt), true) },
			"die":    func(rt *rapid.T) { m.leave(rt, client(rt), false) },
			"":       func(rt *rapid.T) { m.check(rt) },
		})
	})
}
