package main

import (
	"github.com/spf13/cobra"
)

// manual is what the help and the man page of a command say, and which of the
// shared flags it takes.
type manual struct {
	use, short, long, example string
	flags                     []flagText
}

// flagText is a shared flag, see sharedFlags, in the words of one command.
type flagText struct{ name, text string }

// command returns a command without flags and work.
func (m manual) command() *cobra.Command {
	cmd := &cobra.Command{Use: m.use, Short: m.short, Long: m.long, Example: m.example}
	cmd.Flags().SortFlags = false
	return cmd
}

// What several commands say alike.
const (
	bodyText = `BODY is a word of the command line, - for standard input, or the content of
--file; without any it is empty.`
	jsonBodyText = `A body that is not UTF-8 is in base64, and the object says "base64":true.`
	rawText      = "print bodies as they are, without a line end after each"
)

// manuals are the commands that attach to a relay.
func manuals() map[string]manual {
	return map[string]manual{
		"request": {
			use:   "request CLUSTER [BODY|-]",
			short: "Ask one member of a cluster and print its reply",
			long: `Send a request to one member of a cluster, anywhere in the network, and print
its reply. ` + bodyText + `

The exit status is 3 if nobody is there or nobody answers in time, 1 if the
answer is a fault. Of several requests the worst counts: a fault, then a timeout.
With --json each request is one object with its status: reply, fault or timeout.
` + jsonBodyText,
			example: `  iris request echo hi
  iris request resize - <photo.jpg --raw >small.jpg
  iris request echo hi --count 10 --interval 1s      # a ping
  iris request echo --size 1024 --count 1000 --json`,
			flags: []flagText{
				{"count", "how many requests, one after another; 0: until ctrl-c"},
				{"interval", "time from one request to the next"},
				{"timeout", "how long to wait for a reply"},
				{"file", "`FILE` with the body"},
				{"size", "make up a body of so many octets"},
				{"json", "print one JSON object per request"},
				{"raw", rawText},
			},
		},
		"reply": {
			use:   "reply CLUSTER {--echo | --text TEXT | -- COMMAND [ARG...]}",
			short: "Be a member of a cluster and answer its requests",
			long: `Join a cluster and answer requests until ctrl-c: each with itself (--echo), with
a text (--text), or with what a command writes to standard output when it gets the
request on standard input. A command that fails makes the reply a fault, with
the last line of its standard error; it is killed when the asker stops waiting.
IRIS_CLUSTER in its environment is the name of the cluster.

With --json each request that was answered is one object on standard output.
` + jsonBodyText,
			example: `  iris reply echo --echo
  iris reply motd --text 'all is well'
  iris reply upper -- tr a-z A-Z
  iris reply sum --count 1 --json -- sha256sum`,
			flags: []flagText{
				{"count", "end after so many requests; 0: never"},
				{"timeout", "end with status 3 when no request has come for so long; 0: never"},
				{"json", "print one JSON object per request"},
			},
		},
		"broadcast": {
			use:   "broadcast CLUSTER [BODY|-]",
			short: "Send a message to all members of a cluster",
			long: `Send a message to every member of a cluster. ` + bodyText + `

Whether anybody got it is not known: broadcasts are sent and forgotten. With
--json one object says what was sent.`,
			example: `  iris broadcast caches flush
  iris broadcast caches --file keys.txt`,
			flags: sendFlags("messages"),
		},
		"listen": {
			use:   "listen CLUSTER",
			short: "Be a member of a cluster and print its broadcasts",
			long: `Join a cluster and print what is broadcast to it, until ctrl-c. A member also gets
its share of the cluster's requests: this one answers them with a fault, so do not
listen to a cluster that others ask.

With --json each message is one object. ` + jsonBodyText,
			example: `  iris listen caches
  iris listen caches --count 1 --timeout 10s --json`,
			flags: receiveFlags("message"),
		},
		"publish": {
			use:   "publish TOPIC [BODY|-]",
			short: "Publish an event to all subscribers of a topic",
			long: `Publish an event to every subscriber of a topic. ` + bodyText + `

Whether anybody got it is not known. With --json one object says what was sent.`,
			example: `  iris publish news 'it works'
  date | iris publish news -
  iris publish load --size 1024 --count 0 --interval 10ms`,
			flags: sendFlags("events"),
		},
		"subscribe": {
			use:   "subscribe TOPIC...",
			short: "Print the events of topics",
			long: `Subscribe to topics and print their events, until ctrl-c. Of several topics, each
event follows the name of its topic and a tab, unless --raw is given.

With --json each event is one object. ` + jsonBodyText,
			example: `  iris subscribe news
  iris subscribe news weather --json
  iris subscribe news --count 1 --timeout 10s`,
			flags: receiveFlags("event"),
		},
		"tunnel": {
			use:   "tunnel CLUSTER",
			short: "Connect standard input and output to a member of a cluster",
			long: `Open a tunnel to one member of a cluster and copy standard input, or --file, into
it and what comes out of it to standard output, as netcat does. With --serve be
the member that somebody else opens a tunnel to; one at a time, others wait.

The opener closes the tunnel at the end of its input; what it sent arrives, what
the other end still wants to say does not, unless --keep waits for that end to
close. With --serve it is the other way round: the tunnel stays until the opener
closes it, unless --keep=false. While a file is sent, a terminal on standard error
shows how far it is.

The exit status is 3 if nobody is there, 1 if the tunnel broke. That all was sent
does not mean that the other end has read it: it may close, or die, before. With --json each
message that came out is one object, and the last object says how much went
either way. ` + jsonBodyText,
			example: `  iris tunnel backup --serve >copy.tar         # one terminal
  iris tunnel backup <home.tar                 # another
  iris tunnel chat --serve                     # talk both ways, line by line
  iris tunnel logs --keep </dev/null           # only receive`,
			flags: []flagText{
				{"count", "with --serve: end after so many tunnels; 0: never"},
				{"timeout", "how long to wait for the tunnel, with --serve for somebody to open one; 0 there: for ever"},
				{"file", "`FILE` to send instead of standard input"},
				{"size", "octets of a message at most; the input is cut into such"},
				{"json", "print one JSON object per message, and one at the end"},
			},
		},
	}
}

func sendFlags(what string) []flagText {
	return []flagText{
		{"count", "how many " + what + "; 0: until ctrl-c"},
		{"interval", "time from one to the next"},
		{"file", "`FILE` with the body"},
		{"size", "make up a body of so many octets"},
		{"json", "print one JSON object at the end"},
	}
}

func receiveFlags(what string) []flagText {
	return []flagText{
		{"count", "end after so many; 0: never"},
		{"timeout", "end with status 3 when no " + what + " has come for so long; 0: never"},
		{"json", "print one JSON object per " + what},
		{"raw", rawText},
	}
}
