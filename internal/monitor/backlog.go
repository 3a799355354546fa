package monitor

import "sync"

// backlogMost is how many execs may wait for their digests. When there are as many the
// sensor waits, and counts what it loses.
const backlogMost = 8192

// together is how many wait for the next pause of the sensor before their writer is
// woken for them anyway.
const together = 64

// backlog is what waits to be written, in order.
type backlog struct {
	mu      sync.Mutex
	changed sync.Cond // there is something to write, or room again, or it has ended
	waiting []pending
	writing int // of what was taken last, not yet written
	told    int // how much of what waits the writer knows of
	ended   bool
}

func newBacklog() *backlog {
	b := &backlog{}
	b.changed.L = &b.mu
	return b
}

// put adds p, for which it waits for room; after the end it does nothing. The writer is not told
// before the next tell, unless there is much to tell of.
func (b *backlog) put(p pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	for !b.ended && len(b.waiting)+b.writing >= backlogMost {
		b.changed.Wait()
	}
	b.waiting = append(b.waiting, p)
	if len(b.waiting)-b.told >= together {
		b.tellLocked()
	}
}

// tell wakes the writer if it does not know of something.
func (b *backlog) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tellLocked()
}

func (b *backlog) tellLocked() {
	if b.told < len(b.waiting) {
		b.told = len(b.waiting)
		b.changed.Broadcast()
	}
}

// end lets the writer write what is there, and no more.
func (b *backlog) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.changed.Broadcast()
}

// take waits until there is something to write and returns all of it, nil at the end. What it
// returned before is used again.
func (b *backlog) take(before []pending) []pending {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(before)
	for b.told == 0 && !b.ended {
		b.changed.Wait()
	}
	if len(b.waiting) == 0 {
		return nil
	}
	if cap(before) > 16*together {
		before = nil // it was once much
	}
	taken := b.waiting
	b.waiting, b.told, b.writing = before[:0], 0, len(taken)
	return taken
}

// written says that one of those that were taken is written.
func (b *backlog) written() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writing--
	if len(b.waiting)+b.writing == backlogMost-1 {
		b.changed.Broadcast()
	}
}

// depth is how many are not yet written.
func (b *backlog) depth() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) + b.writing
}
