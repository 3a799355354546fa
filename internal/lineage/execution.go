package lineage

import (
	"xnumon/event"
	"xnumon/internal/sensor"
)

// Execution is who called exec.
type Execution struct {
	Key sensor.Key
	// Image is what the process ran before, never nil. If its File is nil, what
	// it ran is not known or, with ReasonKernelThread, it ran nothing. The images
	// behind it (Older) are the ancestors.
	Image *Image
	// ForkTime and ForkPID say when and by which process it was forked. Where
	// they are zero, Unforked says why. Both can come from a lookup.
	ForkTime event.Time
	ForkPID  uint32
	Unforked event.Reason
	// Reconstructed is set when the fork was not seen, so that what the process
	// descends from was looked up or is unknown. Images have a mark of their own.
	Reconstructed bool
	// Followed is set for what Table.Follow asked for.
	Followed bool
}

func (p *process) execution() Execution {
	return Execution{
		Key:           p.key,
		Image:         p.image.settle(),
		ForkTime:      p.forkTime,
		ForkPID:       p.forkPID,
		Unforked:      p.unforked,
		Reconstructed: p.unforked != "",
		Followed:      p.followed,
	}
}

// Running returns what is known of the past of a process that was found
// running: as an Execution whose own image is unknown and whose ancestors are
// those of the process. It returns false for a process that the table knows
// from the events of its fork or its exec. Best called when all processes were
// found, since a parent can be found after its child.
func (t *Table) Running(s *sensor.Process) (Execution, bool) {
	p := t.get(s.Key)
	if p == nil || p.unforked == "" || p.image.File != s.Image {
		return Execution{}, false
	}
	x := p.execution()
	older := x.Image.Older()
	x.Image = unknownImage(event.ReasonRunning, 0, nil)
	x.Image.prev = older
	return x, true
}
