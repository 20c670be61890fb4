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
	GroupOK      uint16 = 0 // done, or here it is
	GroupNotRoot uint16 = 1 // ask the node in Version.Root instead
	GroupStale   uint16 = 2 // the epoch or version sent is older than the one known
	GroupBusy    uint16 = 3 // out of room, try later
)
