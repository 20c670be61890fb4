package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"

	"github.com/quic-go/quic-go"

	"iris/transport/udp"
)

// quicConfig is what a stream goes fastest with on loopback: full packets from the
// start and windows that never close.
func quicConfig() *quic.Config {
	return &quic.Config{
		InitialPacketSize:              1452,
		InitialStreamReceiveWindow:     8 << 20,
		MaxStreamReceiveWindow:         16 << 20,
		InitialConnectionReceiveWindow: 16 << 20,
		MaxConnectionReceiveWindow:     32 << 20,
		MaxIncomingStreams:             1024,
	}
}

// socket opens a UDP socket as a node of Iris does: with large buffers, and receive
// offload if the kernel has it.
func socket() (net.PacketConn, error) {
	c, _, err := udp.Listen(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, 0)
	return c, err
}

func dialQUIC(addr string, conf *tls.Config) (part, error) {
	c, err := socket()
	if err != nil {
		return nil, err
	}
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	conf.NextProtos = []string{"bench"}
	tr := &quic.Transport{Conn: c}
	ctx, cancel := context.WithTimeout(context.Background(), runTimeout)
	defer cancel()
	conn, err := tr.Dial(ctx, to, conf, quicConfig())
	if err != nil {
		return nil, err
	}
	return &rawSender{
		open: func() (io.ReadWriteCloser, error) { return conn.OpenStream() },
		end:  func() { _ = conn.CloseWithError(0, "") },
	}, nil
}

func listenQUIC(conf *tls.Config, into *sink) (part, error) {
	c, err := socket()
	if err != nil {
		return nil, err
	}
	conf.NextProtos = []string{"bench"}
	ln, err := (&quic.Transport{Conn: c}).Listen(conf, quicConfig())
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := ln.Accept(context.Background())
			if err != nil {
				return
			}
			go func() {
				for {
					s, err := conn.AcceptStream(context.Background())
					if err != nil {
						return
					}
					go serve(s, into)
				}
			}()
		}
	}()
	return &rawServer{addr: c.LocalAddr().String(), end: func() { _ = ln.Close() }}, nil
}
