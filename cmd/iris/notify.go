package main

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// manager is who started the process and wants to hear how it is: systemd, by the
// protocol of sd_notify(3). Nil if there is nobody.
type manager struct {
	conn     *net.UnixConn
	watchdog time.Duration // how often it wants a sign of life; 0 = never
}

// newManager returns the one that the environment names. Who cannot be reached is
// nobody: a node that runs matters more than one that is watched.
func newManager(env func(string) string) *manager {
	name := env("NOTIFY_SOCKET")
	if !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "@") { // @: an abstract name, which package net knows
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil
	}
	m := &manager{conn: conn}
	pid := env("WATCHDOG_PID")
	if usec, err := strconv.ParseInt(env("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		m.watchdog = time.Duration(usec) * time.Microsecond
	}
	return m
}

// tell sends assignments such as READY=1. What is not taken is lost.
func (m *manager) tell(assignments ...string) {
	if m != nil {
		_, _ = m.conn.Write([]byte(strings.Join(assignments, "\n")))
	}
}

// watch gives a sign of life at twice the pace that is wanted, as long as alive
// says so within that time, until ctx ends. It returns when it no longer does.
func (m *manager) watch(ctx context.Context, alive func(context.Context) error) {
	if m == nil || m.watchdog == 0 {
		return
	}
	tick := time.NewTicker(m.watchdog / 2)
	defer tick.Stop()
	for {
		soon, cancel := context.WithTimeout(ctx, m.watchdog/2)
		if alive(soon) == nil {
			m.tell("WATCHDOG=1")
		}
		cancel()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// close ends the connection.
func (m *manager) close() {
	if m != nil {
		_ = m.conn.Close()
	}
}
