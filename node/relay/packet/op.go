package packet

import "fmt"

// Op is the first octet of a packet.
type Op uint8

// The opcodes. Fields follow in wire order, client to relay | relay to client;
// s string, b binary, v varint, ? bool.
const (
	OpInit        Op = 0x00 // s magic, s version, s cluster | s magic, s version
	OpDeny        Op = 0x01 // never | s magic, s reason
	OpClose       Op = 0x02 // nothing | s reason
	OpBroadcast   Op = 0x03 // s cluster, b payload | b payload
	OpRequest     Op = 0x04 // v id, s cluster, b payload, v ms | v id, b payload, v ms
	OpReply       Op = 0x05 // v id, ? ok, b payload or s fault | v id, ? timed out, then ? ok, b payload or s fault
	OpSubscribe   Op = 0x06 // s topic | never
	OpUnsubscribe Op = 0x07 // s topic | never
	OpPublish     Op = 0x08 // s topic, b payload | same
	OpTunInit     Op = 0x09 // v tunnel, s cluster, v ms | v build, v chunk limit
	OpTunConfirm  Op = 0x0a // v build, v tunnel | v tunnel, ? timed out, then v chunk limit
	OpTunAllow    Op = 0x0b // v tunnel, v space | same
	OpTunTransfer Op = 0x0c // v tunnel, v size or 0, b payload | same
	OpTunClose    Op = 0x0d // v tunnel | v tunnel, s reason
)

// Constants of the greeting.
const (
	ClientMagic = "iris-client-magic"
	RelayMagic  = "iris-relay-magic"
	Version     = "v1.0-draft2"
)

// Constants of tunnels, in octets.
const (
	ChunkLimit   = 64 << 10 // largest payload of a TunTransfer that a relay announces
	RelayWindow  = 4 << 20  // credit that a relay grants its client at first
	ClientWindow = 64 << 20 // credit that a client grants its relay at first
)

var opNames = [...]string{
	"init", "deny", "close", "broadcast", "request", "reply", "subscribe", "unsubscribe",
	"publish", "tunnel init", "tunnel confirm", "tunnel allow", "tunnel transfer", "tunnel close",
}

// String returns the name of the opcode in words, or its number.
func (op Op) String() string {
	if int(op) < len(opNames) {
		return opNames[op]
	}
	return fmt.Sprintf("opcode 0x%02x", uint8(op))
}

// Side says who sends the packets of a direction.
type Side uint8

// The sides of a connection.
const (
	FromClient Side = iota
	FromRelay
)

// String returns "client" or "relay".
func (s Side) String() string {
	if s == FromClient {
		return "client"
	}
	return "relay"
}
