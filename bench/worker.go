package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// part is one process of a peer. What it cannot do it answers with errors.ErrUnsupported.
type part interface {
	// at is where the next part reaches this one.
	at() string
	close()
}

// near is the part that sends.
type near interface {
	part
	// publish sends the event count times on topic number lane and returns when all
	// are on their way.
	publish(lane int, event []byte, count int64) error
	// asker returns a function that sends a request and waits for its reply. It is
	// used by one goroutine.
	asker() (ask func(msg []byte) error, err error)
	// tunnel writes the chunk count times on a stream of its own, or if count is 0
	// until stop is closed.
	tunnel(chunk []byte, count int64, stop <-chan struct{}) error
}

// worker runs one part for the driver.
type worker struct {
	part    part
	sink    *sink
	profile profile
}

// work serves commands until the input ends.
func work(in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // the driver says when
	commands := make(chan command)
	go func() {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var c command
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				break
			}
			commands <- c
		}
		os.Exit(0) // the driver is gone or done; nothing here is worth a drain
	}()
	w := worker{sink: new(sink)}
	answers := json.NewEncoder(out)
	for c := range commands {
		a, err := w.do(c)
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) do(c command) (answer, error) {
	if c.Op == "start" {
		p, err := open(*c.Setup, w.sink)
		if err != nil {
			return answer{}, fmt.Errorf("start %s %s: %w", c.Setup.Peer, c.Setup.Role, err)
		}
		w.part = p
		return answer{At: p.at()}, nil
	}
	switch c.Op {
	case "usage":
		return usage(w.part), nil
	case "heap":
		return heap(), nil
	case "profile":
		return answer{}, w.profile.begin(c.File)
	case "profiled":
		return answer{}, w.profile.end(c.File)
	case "expect":
		w.sink.expect(c.Run, c.Count, c.Size)
		return answer{}, nil
	case "await":
		got, ended := w.sink.wait()
		return answer{Got: got, Ended: ended, Odd: w.sink.odd.Load()}, nil
	}
	n, ok := w.part.(near)
	if !ok {
		return answer{}, errors.ErrUnsupported
	}
	switch c.Op {
	case "publish":
		return publish(n, c)
	case "request":
		return request(n, c)
	case "tunnel":
		a := answer{Began: now()}
		return a, n.tunnel(make([]byte, c.Size), c.Count, nil)
	case "busy":
		return besideTunnel(n, c)
	}
	return answer{}, fmt.Errorf("no command %q", c.Op)
}

func usage(p part) answer {
	a := answer{CPU: cpu()}
	if s, ok := p.(interface{ suspected() int64 }); ok {
		a.Suspected = s.suspected()
	}
	return a
}

// heap says how much is alive.
func heap() answer {
	var m runtime.MemStats
	runtime.GC() // empties pools into their second row
	runtime.GC()
	runtime.ReadMemStats(&m)
	return answer{Heap: int64(m.HeapAlloc)}
}

// publish sends on all lanes at once, each its share of the count.
func publish(n near, c command) (answer, error) {
	first := 0
	if c.Lanes < 0 {
		first, c.Lanes = c.Lanes, 1
	}
	errs := make([]error, c.Lanes)
	var all sync.WaitGroup
	a := answer{Began: now()}
	for lane := range c.Lanes {
		all.Go(func() {
			event := make([]byte, c.Size)
			mark(event, c.Run)
			errs[lane] = n.publish(first+lane, event, c.Count/int64(c.Lanes))
		})
	}
	all.Wait()
	a.Ended = now()
	return a, errors.Join(errs...)
}

// request asks with so many outstanding, for a time, and says how long it took.
func request(n near, c command) (answer, error) {
	took := make([][]int64, c.Lanes)
	errs := make([]error, c.Lanes)
	var asking sync.WaitGroup
	asks := make([]func([]byte) error, c.Lanes)
	for i := range asks {
		ask, err := n.asker()
		if err != nil {
			return answer{}, err
		}
		asks[i] = ask
	}
	a, began := answer{Began: now()}, time.Now()
	for i, ask := range asks {
		asking.Go(func() {
			msg := make([]byte, c.Size)
			for at := time.Since(began); at < time.Duration(c.Nanos); { // now costs a system call
				if errs[i] = ask(msg); errs[i] != nil {
					return
				}
				end := time.Since(began)
				took[i] = append(took[i], int64(end-at))
				at = end
			}
		})
	}
	asking.Wait()
	a.Ended = now()
	all := slices.Concat(took...)
	slices.Sort(all)
	a.Got = int64(len(all))
	if len(all) > 0 {
		a.P50, a.P99 = all[len(all)/2], all[len(all)*99/100]
	}
	return a, errors.Join(errs...)
}

// besideTunnel asks while a tunnel to the same node runs flat out.
func besideTunnel(n near, c command) (answer, error) {
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- n.tunnel(make([]byte, chunk), 0, stop) }()
	settle := time.NewTimer(100 * time.Millisecond) // a part of the measurement: the tunnel fills its buffers
	defer settle.Stop()
	select {
	case <-settle.C:
	case err := <-ended:
		return answer{}, fmt.Errorf("tunnel ended: %w", err)
	}
	a, err := request(n, c)
	close(stop)
	return a, errors.Join(err, <-ended)
}

// chunk is the size of a write on a tunnel.
const chunk = 64 << 10
