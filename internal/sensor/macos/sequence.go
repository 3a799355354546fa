package macos

import (
	"xnumon/event"
	"xnumon/internal/sensor"
)

// Sources of sensor.Lost.
const (
	lostSequence = "eslogger sequence" // numbers are missing
	lostLine     = "eslogger line"     // a line could not be read
	lostRestart  = "eslogger restart"  // the stream started anew
)

// sequence finds what is missing from a stream. The kernel numbers the messages
// of a client one by one, all of them and those of each type; numbers that do not
// appear were dropped, by the kernel or by whoever cut the recording. What they
// told of a process is seen to be missing when the next message is about it (see
// mapper), so sensor.Lost.Lineage is not set.
type sequence struct {
	started bool
	global  *uint64          // the last one
	types   map[int64]uint64 // likewise, by event type
	time    event.Time       // of the last message that had one
	mach    uint64
	// unread counts lines since then that could not be read. Their numbers will
	// be missing, and are not to be counted twice.
	unread uint64
}

// unreadable takes note of a line whose numbers could not be read.
func (q *sequence) unreadable() { q.unread++ }

// next takes the numbers of a message and returns what was lost before it, nil
// if nothing was. rebooted says that the machine was started anew in between,
// so that identities from before mean nothing any more.
func (q *sequence) next(m *message) (lost *sensor.Lost, rebooted bool) {
	gap, restarted := q.gap(m)
	rebooted = restarted && m.mach != 0 && m.mach < q.mach
	source := lostSequence
	switch {
	case restarted:
		source = lostRestart
	case q.unread > 0 && m.global == nil:
		source, gap = lostLine, max(gap, q.unread)
	case q.unread > 0 && gap <= q.unread:
		// With unbroken numbers it was no message, and nothing is lost.
		source = lostLine
	}
	if restarted || gap > 0 {
		lost = &sensor.Lost{
			Time: m.time, Source: source, Count: gap, Since: q.time, Until: m.time,
		}
	}
	q.started, q.unread = true, 0
	if m.time != 0 {
		q.time = m.time
	}
	if m.mach != 0 {
		q.mach = m.mach
	}
	return lost, rebooted
}

// gap returns how many numbers are missing, and whether they went back, which
// they do when a new client was made.
func (q *sequence) gap(m *message) (missing uint64, restarted bool) {
	if m.global != nil {
		last := q.global
		q.global = m.global
		switch {
		case last == nil && q.started:
			return 0, false // older messages had none
		case last == nil:
			return *m.global, false
		case *m.global > *last:
			return *m.global - *last - 1, false
		}
		q.types = nil
		return *m.global, true
	}
	if m.seq == nil {
		return 0, false
	}
	last, known := q.types[m.eventType]
	if q.types == nil {
		q.types = map[int64]uint64{}
	}
	q.types[m.eventType] = *m.seq
	switch {
	case !known:
		return *m.seq, false
	case *m.seq > last:
		return *m.seq - last - 1, false
	}
	q.types = map[int64]uint64{m.eventType: *m.seq}
	return *m.seq, true
}

// end returns what is still unaccounted for when the stream ends.
func (q *sequence) end() *sensor.Lost {
	if q.unread == 0 {
		return nil
	}
	lost := &sensor.Lost{
		Time: q.time, Source: lostLine, Count: q.unread, Since: q.time, Until: q.time,
	}
	q.unread = 0
	return lost
}

// restart returns the loss of what happened between the end of one stream and
// the start of the next, and forgets the numbers.
func (q *sequence) restart(now event.Time) *sensor.Lost {
	since := q.time
	*q = sequence{time: now, mach: q.mach}
	return &sensor.Lost{Time: now, Source: lostRestart, Since: since, Until: now}
}
