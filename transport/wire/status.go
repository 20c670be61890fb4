package wire

// Status of a Reply. Numbers are append-only. The ones marked "not executed"
// promise that no handler saw the request, so it may be sent elsewhere.
const (
	StatusOK         uint16 = 0 // Body holds the reply
	StatusError      uint16 = 1 // the handler answered with an error; Text
	StatusOverloaded uint16 = 2 // not executed: the member's queue is full
	StatusNoTarget   uint16 = 3 // not executed: no such actor, no such member
	StatusDraining   uint16 = 4 // not executed: the member is leaving
	StatusExpired    uint16 = 5 // not executed: its time was over in the queue
	StatusPanic      uint16 = 6 // the handler panicked; Text
	StatusDecode     uint16 = 7 // the body is of an unknown type or malformed; Text
)

// Codes of GroupAck and GroupView. Numbers are append-only.
const (
	GroupOK      uint16 = 0 // done: every asker with a live lease knows; or: here is the list
	GroupNotRoot uint16 = 1 // not the root as it sees the ring: ask again, Version.Root is its guess
	GroupRefused uint16 = 2 // a node spoke for another one
	GroupFull    uint16 = 3 // a bound of the root would be passed, try later
	GroupMoved   uint16 = 4 // a push: the root gave up its reign, the lease ends now
	GroupSame    uint16 = 5 // the version the asker has is current; the list is left out
)
