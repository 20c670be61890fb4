package wire

import "strconv"

// Code says why a link, a connection or a stream ends. It is the QUIC
// application error code of the close and travels in HelloAck, Goodbye,
// TunnelRefuse and TunnelAbort. Numbers are append-only.
type Code uint16

const (
	CodeOK           Code = 0  // nothing wrong
	CodeLeave        Code = 1  // the node leaves the network, gracefully
	CodeDuplicate    Code = 2  // the pair keeps its other connection
	CodeProtocol     Code = 3  // the peer broke the protocol
	CodeAbuse        Code = 4  // the peer exceeds limits it was told
	CodeVersion      Code = 5  // no common protocol version
	CodeStuck        Code = 6  // the peer does not read
	CodeBusy         Code = 7  // out of room, try later
	CodeIdentity     Code = 8  // the node id is not the one wanted, or is our own
	CodeDead         Code = 9  // the peer was declared dead
	CodeInternal     Code = 10 // a defect at the closing side
	CodeHelloTimeout Code = 11 // no Hello in time
)

var codeNames = [...]string{
	"OK", "LEAVE", "DUPLICATE", "PROTOCOL", "ABUSE", "VERSION", "STUCK", "BUSY",
	"IDENTITY", "DEAD", "INTERNAL", "HELLO_TIMEOUT",
}

// String returns the name of c as docs/protocol.md writes it, or "code 99".
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "code " + strconv.Itoa(int(c))
}
