package actor

import "time"

// Remote carries messages to other nodes; implemented by transport. None of its methods may block. pid.Address is
// the node to reach. Implementations must not retain the PIDs.
type Remote interface {
	// Tell sends msg at most once. sender may be nil.
	Tell(to, sender *PID, msg any) error
	// Ask sends a request whose answer comes back by Replies.Complete with id. After an error it never does.
	Ask(to *PID, id uint32, ttl time.Duration, msg any) error
	// Reply answers request id of node with msg, or with err if that is not nil: *RemoteError, ErrOverloaded, ErrNoActor,
	// ErrDraining, ErrExpired and others, told apart with errors.Is. A zero load is not sent.
	Reply(node string, id uint32, msg any, err error, load Load) error
	Watch(watcher, watchee *PID) error
	Unwatch(watcher, watchee *PID) error
	// Terminated tells the remote watcher that who ended; why is one of the Terminated constants.
	Terminated(watcher, who *PID, why int) error
	Stop(pid *PID, poison bool) error
}

// Names resolves the PIDs made by Cluster, Members and Topic; implemented by topics. None of its methods may block.
type Names interface {
	// Send counts what some of those who hear the name do not get. After an error nobody got it, and the caller counts it
	// unless IsCounted says that it is.
	Send(to, sender *PID, msg any) error
	// Request calls done exactly once, possibly before it returns, on any goroutine; done does not block.
	Request(to, sender *PID, msg any, timeout time.Duration, done func(reply any, err error))
}

// SetRemote installs the way to other nodes. Call it once, before the first remote PID is used.
func (s *System) SetRemote(r Remote) { s.remote.Store(&r) }

// SetNames installs the resolver of names. Call it once, before the first name is used.
func (s *System) SetNames(n Names) { s.names.Store(&n) }
