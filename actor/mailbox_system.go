package actor

import proto "github.com/asynkron/protoactor-go/actor"

// system handles one message of the system lane. Called by the runner.
func (m *mailbox) system(msg any) {
	switch msg := msg.(type) {
	case *proto.SuspendMailbox:
		m.suspend(true)
		return
	case *proto.ResumeMailbox: // part of a restart, posted before the new incarnation got Started: that may have failed
		m.suspend(m.failing)
		return
	case *resume:
		if msg.failure == m.failures {
			m.failing = false
			m.suspend(false)
			m.cell.unblock()
		}
		return
	case *restartAfter:
		if m.stopSeen || !m.failing || msg.failure != m.failures {
			return
		}
		m.restart()
	case *restartCommand:
		if m.stopSeen {
			return
		}
		m.failures++ // the pending restart, if any, is overtaken
		if msg.renewal > 0 {
			m.cell.renewed = msg.renewal
		}
		m.suspend(true)
		m.restart()
	case *hurry:
		if m.stopSeen || !m.failing {
			return
		}
		m.failures++
		m.restart()
	case *proto.Restart:
		if !m.stopSeen {
			m.restart()
		}
	case *proto.Stop:
		if m.stopSeen {
			return
		}
		m.stopSeen = true
		m.close()
		m.invoker.InvokeSystemMessage(msg)
	case *watchFrom:
		m.cell.watchedBy(msg.by)
	case *unwatchFrom:
		m.cell.watchers.remove(msg.by)
	case *watchEnded:
		if !m.cell.stopped {
			m.cell.guard.terminated(&msg.Terminated)
		}
	default:
		m.invoker.InvokeSystemMessage(msg)
	}
	m.after(msg)
}

// restart makes protoactor replace the incarnation, or a supervisor those below it; then the mailbox is resumed, behind
// what protoactor may have posted to suspend it.
func (m *mailbox) restart() {
	m.failing = false
	if m.cell.props.supervisor {
		m.cell.renew()
		m.postSystem(&proto.ResumeMailbox{})
		return
	}
	m.invoker.InvokeSystemMessage(&proto.Restart{})
}

// after looks at what the invocation of a system message left behind.
func (m *mailbox) after(msg any) {
	if m.fault != nil {
		m.escalate(msg)
	}
	if m.cell.stopped && !m.finished {
		m.finished = true
		m.cell.finish()
	}
}

func (m *mailbox) suspend(on bool) {
	m.mu.Lock()
	m.suspended = on
	m.resting.Store(on)
	m.mu.Unlock()
}

// escalate reports the failure of a handler to the supervisor. protoactor suspends the mailbox by a system message, so
// no further user message is handled before the supervisor decided.
func (m *mailbox) escalate(msg any) {
	f := m.fault
	m.fault = nil
	if m.stopSeen || m.failing {
		return
	}
	m.failures++
	f.number, f.renewed = m.failures, m.cell.renewed
	m.failing = true
	m.invoker.EscalateFailure(f, msg)
}

// repair completes the lifecycle step that runtime.Goexit interrupted inside protoactor: the steps that would have
// followed the handler are stopping the children and then stopping or restarting when there are none left. A
// Terminated of nobody makes protoactor take that last step.
func (m *mailbox) repair() {
	m.broken = false
	m.count()
	if m.fault != nil {
		m.escalate(nil)
	}
	if p := phase(m.cell.phase.Load()); p == phaseStopping || p == phaseRestarting {
		for _, k := range m.cell.kids {
			k.cell.mb.postSystem(&proto.Stop{})
		}
		m.invoker.InvokeSystemMessage(&proto.Terminated{Who: &PID{Address: "$", Id: "nobody"}})
	}
	m.after(nil)
}

// close ends the user lane and gives what is left to System.leftover.
func (m *mailbox) close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	for {
		for m.busy() {
			m.drop()
		}
		m.mu.Lock()
		m.collect()
		m.settle()
		m.mu.Unlock()
		if !m.busy() {
			return
		}
	}
}

// drop gives the next message, or the rest of a parcel, to System.leftover.
func (m *mailbox) drop() {
	if m.parcel == nil {
		if msg := m.take(); m.parcel == nil {
			m.cell.sys.leftover(m.cell, msg)
			return
		}
	}
	p := m.parcel
	m.unload(p.end-p.next, p.bytes())
	m.cell.sys.leftoverParcel(m.cell, p)
	p.next = p.end
	m.unwrap()
}
