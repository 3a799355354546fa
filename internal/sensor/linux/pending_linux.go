package linux

import (
	"bytes"
	"sync"
	"time"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// heldFile is one file that an exec call opened while it was held.
type heldFile struct {
	file  *sensor.File
	id    monitorFileIdentity // of the file that was named, at the time
	below monitorFileIdentity // of the file below it, on a stacked file system
	takes uint64              // see vitals.takes, on arrival
	bytes sensor.Identity     // of the file that holds the bytes, and as the acquirer knows it

	// Guarded by pendingCalls.mu.
	held    time.Duration
	late    bool // let go by the deadline
	secured bool // acquired, or on the way to it, before it was let go
	kind    kind
}

// kind says what the kernel could do with a file.
type kind int

const (
	unread kind = iota
	native      // ELF, which the kernel loads itself: what follows it in a call is its dynamic linker
	foreign
)

// call is one exec call of a thread and what it has opened, in order.
type call struct {
	attempt uint64
	files   []*heldFile
	above   *heldFile // waits for the event of the file below it; the reader's
}

// pendingCalls joins what is held with the execs that come of it. The gate's
// reader adds; the reader of the ring takes out. A thread has more than one
// call in it when it has gone on to its next exec before the ring was read.
type pendingCalls struct {
	acquirer sensor.Acquirer

	mu      sync.Mutex
	threads map[uint32][]*call
}

func newPendingCalls(a sensor.Acquirer) *pendingCalls {
	return &pendingCalls{acquirer: a, threads: map[uint32][]*call{}}
}

// call returns the thread's call with this attempt. failed says that the
// thread's last call before it failed.
func (p *pendingCalls) call(tid uint32, attempt uint64, failed bool) *call {
	p.mu.Lock()
	calls := p.threads[tid]
	if n := len(calls); n > 0 && calls[n-1].attempt == attempt {
		p.mu.Unlock()
		return calls[n-1]
	}
	var over *call
	if n := len(calls); n > 0 && failed {
		over = calls[n-1]
		calls = calls[:n-1]
	}
	c := &call{attempt: attempt}
	p.threads[tid] = append(calls, c)
	p.mu.Unlock()
	p.abandon(over)
	return c
}

func (p *pendingCalls) add(c *call, h *heldFile) {
	p.mu.Lock()
	c.files = append(c.files, h)
	p.mu.Unlock()
}

// released notes that the exec of a file is about to be let go.
func (p *pendingCalls) released(h *heldFile, after time.Duration, late, secured bool) {
	p.mu.Lock()
	h.held += after
	h.late = h.late || late
	h.secured = secured
	p.mu.Unlock()
}

func (p *pendingCalls) isSecured(h *heldFile) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return h.secured
}

func (p *pendingCalls) begins(h *heldFile, head []byte) {
	p.mu.Lock()
	h.kind = foreign
	if bytes.HasPrefix(head, []byte("\x7fELF")) {
		h.kind = native
	}
	p.mu.Unlock()
}

// len is in how many threads there is a call.
func (p *pendingCalls) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.threads)
}

// take removes the thread's call with this attempt and returns its files. The
// calls before it have failed.
func (p *pendingCalls) take(tid uint32, attempt uint64) []*heldFile {
	var over []*call
	var files []*heldFile
	p.mu.Lock()
	calls := p.threads[tid]
	for len(calls) > 0 && calls[0].attempt <= attempt {
		if calls[0].attempt == attempt {
			files = calls[0].files
		} else {
			over = append(over, calls[0])
		}
		calls = calls[1:]
	}
	if len(calls) == 0 {
		delete(p.threads, tid)
	} else {
		p.threads[tid] = calls
	}
	p.mu.Unlock()
	for _, c := range over {
		p.abandon(c)
	}
	return files
}

// threadEnded drops the calls of a thread that began before the given boot time.
func (p *pendingCalls) threadEnded(tid uint32, at uint64) {
	p.take(tid, at)
}

func (p *pendingCalls) abandon(c *call) {
	if c == nil {
		return
	}
	for _, h := range c.files {
		p.acquirer.Abandoned(h.file)
	}
}

func (p *pendingCalls) abandonAll() {
	p.mu.Lock()
	all := p.threads
	p.threads = map[uint32][]*call{}
	p.mu.Unlock()
	for _, calls := range all {
		for _, c := range calls {
			p.abandon(c)
		}
	}
}

// gateRecord folds what happened to the files of one exec into what its record says.
func (p *pendingCalls) gateRecord(level sensor.Level, files []*heldFile) *event.Gate {
	g := &event.Gate{Level: level.String(), Outcome: event.GateHeld}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range files {
		g.Held += h.held.Nanoseconds()
		if h.late {
			g.Outcome = event.GateDeadline
		}
	}
	return g
}
