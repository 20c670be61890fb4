// Whispers is a ring of gophers: each player is a cluster of its own, hears a
// whisper and passes it on to the next. A whisper that comes back to the first
// player has gone round. Nobody knows where the others are.
//
//	go run ./samples/whispers                   # 5 players, each a node with its own socket
//	go run ./samples/whispers -players 20
//
// One player per process, each in a terminal of its own, in any order:
//
//	go run ./samples/whispers -players 3 -player 2
//	go run ./samples/whispers -players 3 -player 3
//	go run ./samples/whispers -players 3 -player 1   # whispers, then sends all home
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"iris/actor"
	"iris/node"
	"iris/node/config"
)

// secret is public, so that players in several terminals find each other. A
// network of your own has a key from "iris keygen".
const secret = "whispers: the key of a sample is no secret"

// Whisper is what the gophers pass on.
type Whisper struct {
	Number int // 0 is passed on aloud, bye ends the game
	Heard  int // how many players have heard it
	Text   string
}

// bye is the number of the whisper that sends the gophers of other processes
// home.
const bye = -1

func init() { actor.RegisterType[Whisper]("whispers.Whisper") }

func main() {
	players := flag.Int("players", 5, "players in the ring")
	player := flag.Int("player", 0, "run only this player, 1 to -players; 0 runs all in this process")
	rounds := flag.Int("rounds", 2000, "whispers in the measured part")
	ring := flag.String("ring", "whispers", "name of the ring, which tells several on one machine apart")
	flag.Parse()
	if *players < 2 || *player < 0 || *player > *players || *rounds < 1 || *ring == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "whispers: want -players of at least 2, -player between 0 and -players, -rounds of at least 1, a name for -ring, nothing else")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *ring, *players, *player, *rounds, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "whispers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, ring string, players, only, rounds int, out io.Writer) error {
	network := fmt.Sprintf("%s-%d", ring, players)
	if only == 0 {
		network += fmt.Sprintf("-%d", os.Getpid()) // a ring of this process alone
	}
	back := make(chan Whisper, window)
	home := make(chan struct{}, 1)
	nodes := make([]*node.Node, 0, players)
	defer func() {
		var wg sync.WaitGroup
		for _, n := range nodes {
			wg.Go(func() { _ = n.Stop(context.Background()) }) // bounded by the configured timeout
		}
		wg.Wait()
	}()
	for k := 1; k <= players; k++ {
		if only != 0 && only != k {
			continue
		}
		n, err := join(ctx, network)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
		if _, err := n.Register(name(k), actor.Func(gopher(k, players, back, home, out))); err != nil {
			return err
		}
	}
	if only > 1 {
		fmt.Fprintf(out, "gopher %d listens until gopher 1 sends it home, or ctrl-c\n", only)
		select {
		case <-home:
			fmt.Fprintf(out, "gopher %d goes home\n", only)
		case <-ctx.Done():
		}
		return nil
	}
	if err := lead(ctx, nodes[0], players, rounds, back, out); err != nil {
		return err
	}
	if only == 1 {
		whisper(nodes[0], bye, "good night")
		if _, ok := next(ctx, back, 5*time.Second); !ok {
			return errors.New("somebody did not say good night")
		}
	}
	return nil
}

func join(ctx context.Context, network string) (*node.Node, error) {
	cfg := config.Default()
	cfg.Network.Name = network
	cfg.Network.Secret = []byte(secret)
	cfg.Log.Level = slog.LevelWarn
	return node.Start(ctx, cfg)
}

func name(k int) string { return fmt.Sprintf("gopher-%d", k) }

// gopher returns the handler of player k.
func gopher(k, players int, back chan<- Whisper, home chan<- struct{}, out io.Writer) func(actor.Context) {
	return func(ctx actor.Context) {
		w, ok := ctx.Message().(Whisper)
		if !ok {
			return
		}
		if ctx.Sender() != nil { // somebody asks whether we are there
			ctx.Respond(w)
			return
		}
		if w.Number == 0 {
			fmt.Fprintf(out, "gopher %d heard: %s\n", k, w.Text)
		}
		if k == 1 && w.Heard > 0 {
			select {
			case back <- w:
			default: // came back after it was given up
			}
			return
		}
		w.Heard++
		ctx.Send(actor.Cluster(name(k%players+1)), w)
		if w.Number == bye && k > 1 {
			select {
			case home <- struct{}{}:
			default: // on the way already
			}
		}
	}
}

// whisper starts a whisper with the first player.
func whisper(n *node.Node, number int, text string) {
	n.System().Send(actor.Cluster(name(1)), nil, Whisper{Number: number, Text: text})
}

// window is how many whispers are under way at once in the measured part.
const window = 64

// lead is the first player: it waits for the others, sends one whisper round
// aloud, then many, and counts those that come back.
func lead(ctx context.Context, n *node.Node, players, rounds int, back <-chan Whisper, out io.Writer) error {
	for k := 2; k <= players; k++ {
		for asked := false; ; asked = true {
			_, err := n.Request(ctx, name(k), Whisper{Text: "are you there?"})
			if err == nil {
				break
			}
			if !asked {
				fmt.Fprintf(out, "waiting for gopher %d\n", k)
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("gopher %d is missing: %w", k, err)
			}
		}
	}
	const text = "psst, pass it on"
	began := time.Now()
	whisper(n, 0, text)
	if _, ok := next(ctx, back, 5*time.Second); !ok {
		return errors.New("the whisper got lost")
	}
	fmt.Fprintf(out, "the whisper went round %d gophers in %v\n", players, time.Since(began).Round(time.Microsecond))

	began = time.Now()
	sent, heard := 0, 0
	for heard < rounds {
		for sent < rounds && sent-heard < window {
			sent++
			whisper(n, sent, text)
		}
		if _, ok := next(ctx, back, 5*time.Second); !ok {
			break
		}
		heard++
	}
	took := time.Since(began)
	fmt.Fprintf(out, "%d whispers round %d gophers: %.0f whispers/s, %.0f messages/s, %d lost\n",
		heard, players, float64(heard)/took.Seconds(), float64(heard*players)/took.Seconds(), sent-heard)
	if heard < sent {
		return fmt.Errorf("%d of %d whispers got lost", sent-heard, sent)
	}
	return nil
}

func next(ctx context.Context, back <-chan Whisper, patience time.Duration) (Whisper, bool) {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case w := <-back:
		return w, true
	case <-t.C:
	case <-ctx.Done():
	}
	return Whisper{}, false
}
