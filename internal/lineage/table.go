// Package lineage knows who ran what: the table of the live processes and the
// images each has run, through the forks and execs it descends from.
//
// What events told is never replaced by a lookup. What they did not tell is
// taken from lookups where there are some, marked as reconstructed, or is said
// to be unknown, with the reason.
package lineage

import (
	"xnumon/event"
	"xnumon/internal/sensor"
)

// Table is the process table. The zero value is empty and ready to use. It
// belongs to one goroutine and is fed with observations in the order in which
// the sensor delivers them; it does no I/O and reads no clock.
//
// Invariant: there is at most one process for a pid, the youngest known.
type Table struct {
	procs map[uint32]*process
	// first is the Start of the first process seen being forked: one that is
	// unknown and younger was forked while somebody watched.
	first uint64
	// lostUntil is the end of the last loss that can have touched lineage.
	lostUntil event.Time
	misses    event.MissStats
}

// process is a live process.
type process struct {
	key   sensor.Key
	image *Image // never nil; the one it runs
	under *Image // the one before it, as known before a lookup found a newer one
	// since is when image was last confirmed by an event, or looked up.
	since    event.Time
	forkTime event.Time
	forkPID  uint32
	unforked event.Reason // why the fork is not known; empty if it was seen
	followed bool
}

// New returns an empty table.
func New() *Table { return new(Table) }

// Len returns how many processes are in the table.
func (t *Table) Len() int { return len(t.procs) }

// Fork adds a process.
func (t *Table) Fork(f *sensor.Fork) {
	if t.first == 0 {
		t.first = f.Child.Start
	}
	p := t.get(f.Parent)
	if p == nil {
		t.misses.Forks++
		p = t.unknown(f.Parent)
	}
	known := p.image
	t.checkFork(p, f)
	if p.image != known {
		t.misses.Images++
	}
	c := t.get(f.Child)
	if c == nil {
		c = t.insert(f.Child)
	}
	c.image, c.under, c.since = p.image, nil, f.Time
	if f.ExecID < p.image.execID {
		c.image = unknownImage(event.ReasonRaced, f.ExecID, p.image.prev)
	}
	c.forkTime, c.forkPID, c.unforked = f.Time, f.Parent.PID, ""
	c.followed = c.followed || p.followed
}

// checkFork sees from the number of execs that the child starts out with
// whether the image that the table has for its parent is the one it ran.
func (t *Table) checkFork(p *process, f *sensor.Fork) {
	i := p.image
	switch {
	case i.anyID:
		i.execID, i.anyID = f.ExecID, false
	case f.ExecID > i.execID:
		p.lose(f.ExecID, f.Time)
	case f.ExecID == 0 && t.doubtful(p):
		p.lose(0, f.Time)
	}
}

// Exec returns who called exec, as it was before, and puts the new image in place.
func (t *Table) Exec(e *sensor.Exec) Execution {
	p := t.get(e.Key)
	if p == nil {
		t.misses.Execs++
		p = t.unknown(e.Key)
		t.link(p.image, p, e.Parent)
		p.image.open = false // no lookup can tell any more what it was
	} else if p.image.open && p.image.prev == nil && p.unforked != "" {
		t.link(p.image, p, e.Parent)
	}
	known := p.image
	t.checkExec(p, e)
	if p.image != known {
		t.misses.Images++
	}
	x := p.execution()
	i := &Image{
		File: e.Image, Interpreted: e.Interpreted, Interpreters: e.Interpreters,
		Time: e.Time, PID: e.Key.PID, execID: e.ExecID,
	}
	i.after(p.image)
	p.image, p.under, p.since = i, nil, e.Time
	t.rename(p, e.Next)
	return x
}

// checkExec sees from the number of the exec whether the image that the table
// has is the one that was replaced.
func (t *Table) checkExec(p *process, e *sensor.Exec) {
	i := p.image
	switch {
	case e.ExecID == 0 && !e.Next.IsZero(): // see rename
	case e.ExecID == 0: // no such numbers
		if p.unforked != "" && i.Reconstructed && i.File != nil && e.Time <= p.since {
			p.image = unknownImage(event.ReasonRaced, 0, i.prev)
		} else if t.doubtful(p) {
			p.lose(0, e.Time)
		}
	case i.anyID, e.ExecID == i.execID+1:
	case e.ExecID > i.execID:
		p.lose(e.ExecID-1, e.Time)
	case p.under != nil:
		// The lookup that found i saw this very exec before its event was delivered.
		p.image, p.under = p.under, nil
		t.checkExec(p, e)
	case i.Reconstructed:
		// As above, and nothing older is known of the process.
		p.image = unknownImage(event.ReasonRaced, e.ExecID-1, i.prev)
	default:
		p.image = unknownImage(event.ReasonRaced, e.ExecID-1, i)
	}
}

// Exit removes a process. Its images stay with its descendants.
func (t *Table) Exit(e *sensor.Exit) {
	if p := t.get(e.Key); p != nil {
		delete(t.procs, e.Key.PID)
	}
}

// Process takes over from a lookup what no event told.
func (t *Table) Process(s *sensor.Process) {
	if !s.Was.IsZero() && t.refound(s) {
		return
	}
	p := t.get(s.Key)
	if p == nil {
		if q := t.procs[s.Key.PID]; q != nil && q.key.Start > s.Key.Start {
			return // it is gone
		}
		p = t.unknown(s.Key)
	}
	p.found(s)
	i := p.image
	switch {
	case i.open && (i.anyID || s.ExecID == i.execID && (s.ExecID != 0 || s.KernelThread)):
		if p.unforked != "" && i.prev == nil && !s.KernelThread {
			t.link(i, p, s.Parent)
		}
		i.fill(s)
		p.since = s.Time
	case i.open && s.ExecID == 0 && s.Image != nil && p.unforked != "":
		// Nothing shows whether it has executed something since the forks that
		// its children share i from.
		found := &Image{Reconstructed: true}
		if i.prev == nil {
			t.link(found, p, s.Parent)
		} else {
			found.after(i.prev)
		}
		found.fill(s)
		p.image, p.since = found, s.Time
	case s.Image != nil && !i.anyID && s.ExecID > i.execID:
		// Execs were lost, or the event of the last is yet to come.
		p.under = i
		if s.ExecID > i.execID+1 {
			p.lose(s.ExecID-1, s.Time)
		}
		found := &Image{open: true, Reconstructed: true}
		found.after(p.image)
		found.fill(s)
		p.image, p.since = found, s.Time
	}
}

// Lost takes note that observations were lost.
func (t *Table) Lost(l *sensor.Lost) {
	if l.Lineage {
		t.lostUntil = max(t.lostUntil, l.Until)
	}
}

// Follow marks a process and those that descend from it: by the forks that are
// seen from now on, or where they are not seen, by the parent that is looked up.
func (t *Table) Follow(k sensor.Key) {
	p := t.get(k)
	if p == nil {
		p = t.unknown(k)
	}
	p.followed = true
}

// Sweep removes the processes that are not alive, whose exits were lost. One
// that has exited and was not waited for need not count as alive.
func (t *Table) Sweep(alive func(sensor.Key) bool) {
	for pid, p := range t.procs {
		if !alive(p.key) {
			delete(t.procs, pid)
		}
	}
}

func (t *Table) get(k sensor.Key) *process {
	if p := t.procs[k.PID]; p != nil && p.key == k {
		return p
	}
	return nil
}

// insert adds a process. Another that had the pid is gone: its exit was lost.
func (t *Table) insert(k sensor.Key) *process {
	if t.procs == nil {
		t.procs = make(map[uint32]*process)
	}
	p := &process{key: k}
	t.procs[k.PID] = p
	return p
}

// unknown adds a process of which only the key is known.
func (t *Table) unknown(k sensor.Key) *process {
	p := t.insert(k)
	p.unforked = event.ReasonRunning
	if t.first != 0 && k.Start >= t.first {
		p.unforked = event.ReasonLost
	}
	p.image = &Image{Reason: p.unforked, Reconstructed: true, open: true, anyID: true, unsettled: true}
	return p
}

// link puts what the process with the key parent ran when p was forked behind i,
// the oldest image of p. It is a lookup: the parent need not be who forked p.
func (t *Table) link(i *Image, p *process, parent sensor.Key) {
	if parent.IsZero() {
		return
	}
	q := t.procs[parent.PID]
	switch {
	case q == nil || q.key.Start < parent.Start:
		q = t.unknown(parent)
	case q.key != parent:
		i.prev = unknownImage(event.ReasonGone, 0, nil)
		return
	case q.image.reaches(i): // no lookup of a consistent state says that
		return
	}
	i.after(q.image.when(p.forkTime))
	p.followed = p.followed || q.followed
}

// doubtful reports, where execs have no numbers, whether p can have executed
// something that was lost.
func (t *Table) doubtful(p *process) bool {
	return t.lostUntil != 0 && p.since <= t.lostUntil && p.image.File != nil
}

// lose makes the image of p an unknown one, because execs up to the one with
// this number were lost.
func (p *process) lose(execID uint64, at event.Time) {
	i := p.image
	n := uint64(1)
	if execID > i.execID {
		n = execID - i.execID
	}
	if n > MaxAncestors {
		// As many as are ever kept; the rest is only counted.
		i = &Image{Reason: event.ReasonLost, Reconstructed: true, cut: i.behind() + 1 + n - MaxAncestors - 1}
		n = MaxAncestors
	}
	for ; n > 0; n-- {
		i = unknownImage(event.ReasonLost, 0, i)
	}
	i.execID = execID
	i.open, i.unsettled = true, true
	p.image, p.since = i, at
}

// fill sets what a lookup found.
func (i *Image) fill(s *sensor.Process) {
	i.File, i.Reason, i.execID, i.anyID = s.Image, "", s.ExecID, false
	switch {
	case s.KernelThread:
		i.File, i.Reason = nil, event.ReasonKernelThread
	case s.Image == nil:
		i.Reason = event.ReasonRaced
		return // another lookup may have more luck
	}
	i.open = false
}

func unknownImage(why event.Reason, execID uint64, prev *Image) *Image {
	i := &Image{Reason: why, Reconstructed: true, execID: execID}
	i.after(prev)
	return i
}
