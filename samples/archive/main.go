// Archive sends a file of any size through a tunnel to whoever serves the
// cluster "archive" and compares checksums.
//
//	go run ./samples/archive                     # 64 MiB of random bytes
//	go run ./samples/archive -file big.iso
//
// The archivist is a second node. The tunnel is throttled by its reader: the
// sender never has more than the tunnel's window on the way.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"os"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
	"iris/tunnels"
)

func main() {
	file := flag.String("file", "", "file to send; empty sends random bytes")
	size := flag.Int64("size", 64<<20, "random bytes to send")
	flag.Parse()
	if *size < 0 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "archive: want -size of at least 0, nothing else")
		os.Exit(2)
	}
	if err := run(*file, *size); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

func run(file string, size int64) error {
	ctx := context.Background()
	var src io.Reader = io.LimitReader(rand.Reader, size)
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // only read
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", file)
		}
		src, size = f, info.Size()
	}

	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	server, err := start(ctx, secret)
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop(ctx) }()
	if _, err := server.Register("archive", actor.Func(archivist)); err != nil {
		return err
	}
	client, err := start(ctx, secret)
	if err != nil {
		return err
	}
	defer func() { _ = client.Stop(ctx) }()

	tun, err := client.Tunnel(ctx, "archive")
	if err != nil {
		return err
	}
	began := time.Now()
	sent := sha256.New()
	bar := newBar(size)
	n, err := io.Copy(tun.Stream(), io.TeeReader(src, io.MultiWriter(sent, bar)))
	bar.end()
	if err != nil {
		return fmt.Errorf("sent %d of %d bytes: %w", n, size, err)
	}
	if err := tun.CloseSend(); err != nil {
		return err
	}
	receipt, err := tun.Recv(ctx)
	if err != nil {
		return err
	}
	took := time.Since(began)
	if err := tun.Close(); err != nil {
		return err
	}
	ours := sum(sent)
	if string(receipt) != ours {
		return fmt.Errorf("checksums differ: sent %s, archived %s", ours, receipt)
	}
	fmt.Printf("archived %d bytes in %v", n, took.Round(time.Microsecond))
	if n >= 1<<20 { // of less the rate says nothing
		fmt.Printf(", %.0f MiB/s", float64(n)/(1<<20)/took.Seconds())
	}
	fmt.Printf(", sha256 %s at both ends\n", ours)
	return nil
}

func start(ctx context.Context, secret []byte) (*node.Node, error) {
	cfg := config.Default()
	cfg.Network.Name = "archive"
	cfg.Network.Secret = secret
	cfg.Log.Level = slog.LevelWarn
	return node.Start(ctx, cfg)
}

// archivist answers each tunnel with the checksum of what came through it. A
// handler must not block its mailbox for long, so the reading has a goroutine;
// it ends with the tunnel.
func archivist(ctx actor.Context) {
	if in, ok := ctx.Message().(*tunnels.Incoming); ok {
		go archive(in.Tunnel)
	}
}

func archive(tun *tunnels.Tunnel) {
	h := sha256.New()
	if _, err := io.Copy(h, tun.Stream()); err != nil {
		tun.Abort(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := tun.Send(ctx, []byte(sum(h))); err != nil {
		tun.Abort(err)
		return
	}
	_ = tun.Close() // the sender has the receipt, or reports why not
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// bar shows progress on a terminal, nothing elsewhere.
type bar struct {
	total, done int64
	shown       time.Time
	tty         bool
}

func newBar(total int64) *bar {
	info, err := os.Stderr.Stat()
	return &bar{total: total, tty: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (b *bar) Write(p []byte) (int, error) {
	b.done += int64(len(p))
	if b.tty && (time.Since(b.shown) > 100*time.Millisecond || b.done == b.total) {
		b.shown = time.Now()
		const width = 40
		full := int(width * b.done / max(b.total, 1))
		fmt.Fprintf(os.Stderr, "\r[%-*s] %3d %%", width, "########################################"[:full], 100*b.done/max(b.total, 1))
	}
	return len(p), nil
}

func (b *bar) end() {
	if !b.shown.IsZero() {
		fmt.Fprintln(os.Stderr)
	}
}
