// Package tunnels carries ordered, reliable, throttled streams of messages
// between a program and one member of a cluster.
//
//	opener                                                    member's node
//	Open --> Picker                                           Incoming --> handler
//	  |                                                          ^
//	Tunnel                                                       | Tunnel
//	  Send -> outbox -> writer ====== QUIC stream ======> reader -> inbox -> Recv
//	            ^ credit                                              | consumed
//	  Recv <- inbox <- reader <====== and the same ====== writer <- outbox <- Send
//
// A tunnel is one bidirectional stream on a connection that the pair of nodes
// keeps for tunnels, so bulk never meets messages. Each end has one reader,
// which always drains the stream, and a writer that runs only while there is
// something to write. How far the sender may run ahead is up to the receiving
// application: consuming frees credit (package flow), arriving does not beyond
// Config.Window. Of that, 1 MiB may be on their way at once, or more from a peer so
// far that it would wait for credit otherwise. A reader that stops therefore stops its
// own sender, and no one else; what one end of a tunnel holds is bounded by Config.Window on the receiving and a few
// hundred KiB on the sending side. While messages go between the two nodes, a writer
// that is busy gives its processor away after every batch, so that they need not wait.
//
// A tunnel to a member on this node runs over a pipe in memory.
//
// # Frames
//
// The opener sends TunnelOpen and gets TunnelAccept or TunnelRefuse: LEAVE says
// that there is no member, BUSY that a limit is reached; in both cases, and for
// any other code, no member has seen the tunnel. Then both ends send
//
//	TunnelData    a chunk of a message, at most 64 KiB, header in shortest form
//	TunnelCredit  more that the other end may send: len(Data)+64 per chunk
//	TunnelEnd     no more data follows; not inside a message
//	TunnelAbort   OK: by the application. LEAVE after End: the sender has sent
//	              everything and reads no more; the other end answers End.
//	              LEAVE without End: its node stops. Others: by the node.
//
// An end finishes its half of the stream when End went both ways, or after
// Abort. A stream that finishes or breaks in any other way is a lost tunnel.
//
// # Lifecycle
//
//	Open/Incoming -> open -> CloseSend -> half closed -> peer's End -> ended
//	                   |- Close: End, and the peer confirms it       -> ended
//	                   |- Abort, by either end                       -> ended
//	                   |- the link is lost, the node stops           -> ended
//	                   `- the member that serves it stops for good   -> aborted
//
// A restart of the member by its supervisor does not end its tunnels. A lost
// link ends them; nothing is resumed.
//
// Every end has an actor iris/tunnels/<id>, which publishes TunnelOpened,
// TunnelStalled, TunnelClosed and ProtocolViolation, and watches the member. The
// data does not pass through it. The goroutines belong to Tunnels, whose Close waits
// for them. [Tunnels.List] describes the tunnels that are open.
//
// # Concurrency
//
// All methods of Tunnels and Tunnel may be called from any goroutine. Sends take
// turns message by message, so do receives. No user code runs on a goroutine of
// this package or under a lock of it.
//
// # Errors
//
// The errors of a tunnel that has ended are *Error and wrap actor.ErrClosed,
// and actor.ErrLost after a loss. A context that ends gives actor.ErrTimeout for
// a deadline. ErrMessageTooLarge and ErrMidMessage leave the tunnel usable. A
// peer that breaks the protocol costs it this tunnel and is reported; it can
// neither make this end panic nor hold more memory than the window.
package tunnels
