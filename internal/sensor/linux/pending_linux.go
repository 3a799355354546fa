package linux

import (
	"sync"
	"time"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// heldFile is one file that an exec call opened while it was held.
type heldFile struct {
	file    *sensor.File
	id      monitorFileIdentity // of the file that was named, at the time
	below   monitorFileIdentity // of the file below it, on a stacked file system
	alone   bool                // there is no event for the file below
	takes   uint64              // see vitals.takes, on arrival
	changed func() event.Reason // of a file that is alone
	bytes   sensor.State        // of the file that holds the bytes, and as the acquirer knows it

	// Guarded by pendingCalls.mu.
	call    *call
	let     bool // its exec was let go
	held    time.Duration
	late    bool // let go by the deadline
	secured bool // acquired, or on the way to it, before it was let go
	nature  nature
}

// call is one exec call of a thread and what it has opened, in order.
type call struct {
	attempt uint64
	files   []*heldFile
	above   *heldFile // waits for the event of the file below it
	born    time.Time
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

// above returns the file of a stacked file system that the thread's call waits
// for the file below of, if that is of the same size and on no mount that others have, and forgets it.
func (p *pendingCalls) above(tid uint32, attempt uint64, below *monitorFileIdentity) *heldFile {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.threads[tid] {
		if c.attempt != attempt || c.above == nil {
			continue
		}
		h := c.above
		c.above = nil
		if h.id.Size != below.Size || monitorFileFlags(below.Flags)&monitorFileFlagsFILE_PRIVATE == 0 {
			return nil // the file below was not asked about; this is the next one
		}
		h.below = *below
		h.let = false
		return h
	}
	return nil
}

// add notes that the thread's call with this attempt has opened a file. The calls
// since first, and before this one, have failed.
func (p *pendingCalls) add(tid uint32, attempt, first uint64, h *heldFile, stacked bool) {
	p.mu.Lock()
	calls := p.threads[tid]
	var over []*call
	if first != 0 {
		for n := len(calls); n > 0 && calls[n-1].attempt >= first && calls[n-1].attempt < attempt; n = len(calls) {
			over = append(over, calls[n-1])
			calls = calls[:n-1]
		}
	}
	if n := len(calls); n == 0 || calls[n-1].attempt != attempt {
		calls = append(calls, &call{attempt: attempt, born: time.Now()})
	}
	c := calls[len(calls)-1]
	c.files = append(c.files, h)
	h.call = c
	if stacked {
		c.above = h
	}
	p.threads[tid] = calls
	p.mu.Unlock()
	for _, c := range over {
		p.abandon(c)
	}
}

// expire drops the calls of threads that ended before it was known what they
// had opened. ended says whether a thread is no more.
func (p *pendingCalls) expire(age time.Duration, ended func(tid uint32) bool) {
	var over []*call
	p.mu.Lock()
	for tid, calls := range p.threads {
		if time.Since(calls[len(calls)-1].born) > age && ended(tid) {
			over = append(over, calls...)
			delete(p.threads, tid)
		}
	}
	p.mu.Unlock()
	for _, c := range over {
		p.abandon(c)
	}
}

// released notes that the exec of a file is about to be let go.
func (p *pendingCalls) released(h *heldFile, after time.Duration, late, secured bool) {
	p.mu.Lock()
	h.held += after
	h.let = true
	h.late = h.late || late
	h.secured = secured
	p.mu.Unlock()
}

// goesOn says whether the call that opened a file is held because of another by now.
func (p *pendingCalls) goesOn(h *heldFile) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range h.call.files {
		if other != h && !other.let {
			return true
		}
	}
	return false
}

func (p *pendingCalls) isSecured(h *heldFile) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return h.secured
}

func (p *pendingCalls) begins(h *heldFile, head []byte) {
	n := natureOf(head)
	p.mu.Lock()
	h.nature = n
	p.mu.Unlock()
}

// natures are those of files, as far as they are known by now.
func (p *pendingCalls) natures(files []*heldFile) []nature {
	all := make([]nature, len(files))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, h := range files {
		all[i] = h.nature
	}
	return all
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
