package router

import (
	"testing"
	"time"
)

// A seed that answers is waited for until its link is up: who starts is not alone meanwhile.
func TestASeedThatAnswersIsNotSettledBeforeItsLink(t *testing.T) {
	b, linked := testBook(1)
	b.add(epoch, hint{addrs: []string{"192.0.2.1:7000"}, from: seed})
	b.due(epoch)
	b.reached("192.0.2.1:7000", nodeID(2))
	if !b.pending() {
		t.Error("nothing is waited for before the link is up")
	}
	linked[nodeID(2)] = true
	b.up(nodeID(2), []string{"192.0.2.1:7000"})
	if b.pending() {
		t.Error("it is waited for although the link is up")
	}
	b, _ = testBook(1)
	b.add(epoch, hint{addrs: []string{"192.0.2.1:7000"}, from: seed})
	b.due(epoch)
	b.reached("192.0.2.1:7000", nodeID(2))
	b.due(epoch.Add(tried + time.Millisecond))
	if b.pending() {
		t.Error("a link that does not come is waited for for ever")
	}
}
