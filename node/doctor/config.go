package doctor

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"iris/node/config"
	"iris/transport/identity"
)

// keyring is the network's keys, as far as they could be read.
type keyring struct {
	ident  *identity.Identity // nil if there is no key
	beacon []byte             // made up if there is no key
	why    string             // there is none
}

// read reads the configuration and the key. Of a configuration with mistakes it
// takes what can be understood.
func (p *patient) read() {
	p.config, p.broken = config.Load(p.File)
	if p.broken != nil {
		p.config, p.blind = config.Default(), true
		if data, err := os.ReadFile(p.File); err == nil {
			if c, err := config.Parse(p.File, data); err == nil { // only its files are wrong
				p.config, p.blind = c, false
			}
		}
	}
	p.config = p.config.WithDefaults()
	p.key = p.readKeyring()
}

func (p *patient) readKeyring() keyring {
	n := p.config.Network
	k := keyring{beacon: []byte(rand.Text() + rand.Text()), why: "no network key is given: name the config file with -c"}
	material := n.Secret
	if n.Key != "" {
		data, err := config.ReadKey(n.Key)
		if o, whose := p.host.Owner(n.Key); err != nil && whose == nil && o.sharedByRoot() {
			data, err = os.ReadFile(n.Key) // fine for the node, which does not run as root
		}
		if err != nil {
			k.why = "the key file cannot be used, see key-file"
			return k
		}
		material = data
	}
	if len(material) == 0 || n.Name == "" {
		return k
	}
	secret, err := identity.Parse(material)
	if err != nil {
		k.why = "the network key cannot be used"
		return k
	}
	ring, err := identity.NewKeyring(n.Name, secret)
	if err != nil {
		k.why = "the network's name cannot be used"
		return k
	}
	ident, err := identity.New(ring, identity.Options{})
	if err != nil {
		k.why = err.Error()
		return k
	}
	return keyring{ident: ident, beacon: ring.BeaconKeys()[0]}
}

// ofKeyFile reports whether a problem of the configuration is about the file of
// the network key.
func ofKeyFile(p config.Problem) bool {
	return p.Path == "network.key" || p.Path == "IRIS_NETWORK_KEY" || p.Path == "network.secret"
}

// checkConfig finds mistakes of the configuration.
func checkConfig(_ context.Context, p *patient) []Finding {
	about := p.File
	if about == "" {
		about = "environment"
	}
	var list []Finding
	var problems config.Errors
	switch {
	case errors.As(p.broken, &problems):
		for _, problem := range problems {
			if ofKeyFile(problem) {
				continue // see key-file
			}
			list = append(list, Finding{
				Check: "config", About: about, Verdict: Fail, What: withoutHint(problem).Error(),
				Why: "a node with this configuration does not start", Mend: hints(problem),
			})
		}
	case p.broken != nil:
		return one(Finding{Check: "config", About: about, Verdict: Fail, What: p.broken.Error()})
	}
	if len(list) > 0 {
		return list
	}
	if p.File == "" {
		return one(Finding{Check: "config", Verdict: Skipped, What: "no config file is given, the defaults and IRIS_ variables count", Mend: []string{"iris doctor -c FILE"}})
	}
	return one(Finding{Check: "config", About: about, Verdict: OK, What: "it has no mistakes"})
}

// checkKeyFile finds a key that cannot be used, or that others can read.
func checkKeyFile(_ context.Context, p *patient) []Finding {
	var problems config.Errors
	if errors.As(p.broken, &problems) {
		for _, problem := range problems {
			if !ofKeyFile(problem) {
				continue
			}
			if strings.Contains(problem.Message, "has mode") {
				if p.blind {
					break // whose file it is decides, and which one it is is not known
				}
				if shared := p.checkShared(p.keyFile()); shared != nil {
					return shared // a node that does not run as root takes it
				}
			}
			why := "without the key the node does not start"
			if strings.Contains(problem.Message, "mode") {
				why = "whoever has the key can join the network and read and say everything in it; a node refuses to start with it"
			}
			return one(Finding{Check: "key-file", About: p.config.Network.Key, Verdict: Fail, What: withoutHint(problem).Error(), Why: why, Mend: hints(problem)})
		}
	}
	switch n := p.config.Network; {
	case p.blind:
		return notLooked("key-file")
	case n.Key == "" && len(n.Secret) == 0:
		return one(Finding{Check: "key-file", Verdict: Skipped, What: "no key file is named"})
	}
	if shared := p.checkShared(p.keyFile()); shared != nil {
		return shared
	}
	what := "only its owner can read it"
	if p.config.Network.Key == "" {
		what = "the config file has the secret, and only its owner can read it"
	}
	return one(Finding{Check: "key-file", About: p.keyFile(), Verdict: OK, What: what})
}

// keyFile is the file with the key: its own, or the config file.
func (p *patient) keyFile() string { return cmp.Or(p.config.Network.Key, p.File) }

// withoutHint is a problem without what to do about it.
func withoutHint(p config.Problem) config.Problem {
	p.Hint = ""
	return p
}

func hints(p config.Problem) []string {
	if p.Hint == "" {
		return nil
	}
	return []string{p.Hint}
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
