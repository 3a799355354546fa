package lineage

import (
	"xnumon/event"
	"xnumon/internal/sensor"
)

// Where an exec changes the identity of a process, an identity that the table
// knows says by itself that no exec was lost: no other doubt applies to it.

// rename gives a process the identity it has from an exec on.
func (t *Table) rename(p *process, next sensor.Key) {
	if !next.IsZero() {
		p.key = next
	}
}

// provisional says that a key does not hold the whole identity, see sensor.Key.
func provisional(k sensor.Key) bool { return k.Start>>63 == 1 }

// refound takes over a lookup that found a process under another identity than
// the table has it under. It returns false if the table does not have it.
func (t *Table) refound(s *sensor.Process) bool {
	p := t.get(s.Was)
	if p == nil {
		return false
	}
	t.rename(p, s.Key)
	p.found(s)
	i := p.image
	if s.Image == nil {
		p.lose(0, s.Time)
		return true
	}
	found := &Image{Reconstructed: true}
	switch {
	case provisional(s.Was) && i.Reconstructed && (i.open || i.File != nil && i.File.Path == s.Image.Path):
		// The same activation, better known, and so is who forked it: the first
		// lookup went by the parent, which need not be the forker.
		if t.link(found, p, s.Parent); found.prev == nil && s.ForkPID != 0 {
			found.after(unknownImage(event.ReasonGone, 0, nil))
		}
	case i.open:
		found.after(i.prev)
	default:
		// At least one exec was lost, and what is found is the last.
		found.after(i)
	}
	found.fill(s)
	p.image, p.under, p.since = found, nil, s.Time
	return true
}

// found takes over what a lookup tells of the fork.
func (p *process) found(s *sensor.Process) {
	if p.forkTime == 0 {
		p.forkTime = s.Start
	}
	if p.forkPID == 0 {
		p.forkPID = s.ForkPID
	}
}
