package doctor

import (
	"context"
	"slices"
	"sync"

	"iris/node/admin/client"
	"iris/node/config"
)

// Verdict is what came of a check.
type Verdict string

// Verdicts, from good to bad.
const (
	OK      Verdict = "ok"
	Skipped Verdict = "skipped" // it could not be made, or there is nothing to check
	Warn    Verdict = "warn"    // works, but not well, or not everywhere
	Fail    Verdict = "fail"    // does not work
)

// Finding is what one check found about one thing. Fields are only ever added.
type Finding struct {
	Check   string   `json:"check"` // stable name, such as udp-buffers
	About   string   `json:"about,omitempty"`
	Verdict Verdict  `json:"verdict"`
	What    string   `json:"what"`
	Why     string   `json:"why,omitempty"`  // it matters
	Mend    []string `json:"mend,omitempty"` // commands, or what else to do
}

// Config says what to look at.
type Config struct {
	// File is the config file of the node; empty = the defaults and the environment.
	File string
	// Addrs are addresses, host:port, to ask beside the seeds.
	Addrs []string
	// Client asks a node that runs; nil = there is none.
	Client *client.Client
	// Host is what is looked at; nil = ThisHost.
	Host *Host
}

// patient is what the checks look at.
type patient struct {
	Config
	host   *Host
	config config.Config
	broken error   // of the configuration
	blind  bool    // what the configuration says is not known, the defaults stand in for it
	key    keyring // of the network

	// seen is the network by the running node, nil if there is none. It blocks
	// until the node has told.
	seen func() *networkSeen
}

// check is one check. It returns at least one finding.
type check func(context.Context, *patient) []Finding

// checks in the order of the report.
func checks() []check {
	return []check{
		checkConfig, checkKeyFile, checkPorts, checkSeeds, checkReach, checkClocks, checkVersions,
		checkBuffers, checkOffload, checkMTU, checkFiles, checkClockSource, checkIPv6,
	}
}

// Run makes all checks, several at a time. It blocks for some seconds if somebody
// does not answer, and returns sooner if ctx ends; what is then missing is skipped.
func Run(ctx context.Context, cfg Config) []Finding {
	p := &patient{Config: cfg, host: cfg.Host}
	if p.host == nil {
		p.host = ThisHost()
	}
	p.read()
	p.seen = sync.OnceValue(func() *networkSeen {
		if cfg.Client == nil {
			return nil
		}
		return look(ctx, cfg.Client, p.host.Now)
	})
	results := make([][]Finding, len(checks()))
	var work sync.WaitGroup
	for i, c := range checks() {
		work.Go(func() { results[i] = c(ctx, p) })
	}
	work.Wait()
	return slices.Concat(results...)
}

// Worst returns the worst verdict.
func Worst(list []Finding) Verdict {
	order := []Verdict{OK, Skipped, Warn, Fail}
	worst := OK
	for _, f := range list {
		if slices.Index(order, f.Verdict) > slices.Index(order, worst) {
			worst = f.Verdict
		}
	}
	return worst
}

// one makes a list of one finding.
func one(f Finding) []Finding { return []Finding{f} }

// notLooked is the finding of a check that needs a configuration without mistakes.
func notLooked(check string) []Finding {
	return one(Finding{Check: check, Verdict: Skipped, What: "not looked at: the configuration has mistakes, see config"})
}

// outOfTime is the finding of a check that ctx has ended.
func outOfTime(check, about string) Finding {
	return Finding{Check: check, About: about, Verdict: Skipped, What: "not looked at to the end: there was no time left"}
}
