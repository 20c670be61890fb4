package inspect

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// QueryType is the name under which Query travels between nodes.
const QueryType = "iris.inspect.Query"

// Query asks one thing of one node. The answer is the JSON of a report, as actor.Bytes
// between nodes.
//
//	What         answer                 Args
//	node         Node
//	peers        Page[Peer]             after, limit, sort
//	ring         Ring
//	network      Network
//	clusters     Page[Cluster]          after, limit, sort, contains, name: that one, with Nodes
//	topics       Page[Topic]            after, limit, sort, contains, name: that one, with Children
//	tunnels      Page[Tunnel]           after, limit, sort
//	actors       Page[Actor]            parent, deep: true, all below it, after, limit, sort, name: that one
//	deadletters  Page[DeadLetters]
//	relay        Page[RelayClient]      after, limit, sort
//	nexthop      Hops                   kind: cluster or topic, name; or key: 32 hexadecimal digits
//	trace        Trace                  kind: cluster or topic, name
//	config       object of settings
//	do:*         {"done":true}          see package documentation
//
// sort is one of [Columns], with - in front for the greatest first; after is the Next of a page in the same order.
type Query struct {
	What string
	Args map[string]string
}

// Asker answers queries about this node (node is empty or its own id) or another one,
// through the overlay. The answer is JSON. It blocks until ctx ends at most. Errors
// wrap ErrBadQuery or ErrUnknownNode, or those of package actor: ErrTimeout,
// ErrUnreachable, ErrOverloaded.
type Asker interface {
	Ask(ctx context.Context, node string, q Query) ([]byte, error)
}

var (
	// ErrBadQuery is wrapped by the errors of queries that no node could answer.
	ErrBadQuery = errors.New("bad query")
	// ErrNotFound is wrapped by the errors of queries for something that is not there.
	ErrNotFound = errors.New("not found")
	// ErrUnknownNode is wrapped when nobody in the network has that id.
	ErrUnknownNode = errors.New("unknown node")
)

// Bounds of what a query may say.
const (
	maxWhat  = 32   // bytes
	maxArgs  = 16   // of them
	maxArg   = 4096 // bytes of one name or value; a cursor names an id of 1 KiB twice
	maxItems = 1000 // in a page
	items    = 100  // in a page unless asked for
)

func badQuery(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadQuery, fmt.Sprintf(format, args...))
}

// check bounds a query before anything is done for it.
func (q Query) check() error {
	if len(q.What) > maxWhat {
		return badQuery("%d bytes of what", len(q.What))
	}
	if len(q.Args) > maxArgs {
		return badQuery("%d arguments, at most %d", len(q.Args), maxArgs)
	}
	for k, v := range q.Args {
		if len(k) > maxArg || len(v) > maxArg {
			return badQuery("an argument of more than %d bytes", maxArg)
		}
	}
	return nil
}

// limit returns how many items are asked for.
func (q Query) limit() (int, error) {
	s := q.Args["limit"]
	if s == "" {
		return items, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxItems {
		return 0, badQuery("limit %q, want 1 to %d", s, maxItems)
	}
	return n, nil
}
