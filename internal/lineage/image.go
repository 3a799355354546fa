package lineage

import (
	"xnumon/event"
	"xnumon/internal/sensor"
)

// MaxAncestors is how many older images are kept at least behind one, if there
// are so many; fewer than twice as many are. What is cut off is counted.
const MaxAncestors = 256

// Image is one activation of a file in the history of a process. It does not
// change once it has been handed out, so any goroutine may read it. Processes
// share the images they have in common: the garbage collector keeps one for as
// long as somebody descends from it.
type Image struct {
	// File is the file activated, nil when it is not known; Reason then says why.
	File   *sensor.File
	Reason event.Reason
	// Interpreters are the files between the one that was named and File,
	// outermost first. Empty though Interpreted when they could not be observed,
	// and for images found by a lookup, which does not tell them.
	Interpreters []*sensor.File
	// Time and PID say when and in which process it was activated, zero if no
	// event told.
	Time        event.Time
	PID         uint32
	Interpreted bool
	// Reconstructed is set when the image, or what it descends from, was not
	// told by events: it was looked up, or it is not known.
	Reconstructed bool

	// The rest belongs to the table's goroutine, prev excepted.

	open      bool // a lookup may still fill it in; never set in what is handed out
	anyID     bool // execID is not known yet
	unsettled bool // it or one behind it may be open

	execID   uint64 // sensor.Exec.ExecID while it is active
	index    uint64 // its place in the chain, which is cut at multiples of MaxAncestors
	cut      uint64 // images that were cut off right behind it
	prev     *Image
	stripped *Image // a copy that reaches no further than its block
}

// Older returns the image that was active before this one, nil if none is kept.
func (i *Image) Older() *Image {
	p := i.prev
	for p != nil && i.shared(p) {
		p = p.prev
	}
	if p == nil || p.Reason == event.ReasonKernelThread {
		return nil
	}
	return p
}

// Cut returns how many images there were before the oldest that is kept.
func (i *Image) Cut() uint64 {
	for i.prev != nil {
		i = i.prev
	}
	return i.cut
}

// shared reports whether i, found in a process, is the activation p of its
// parent, found or not: a fork alone makes no image. They are taken for one if
// they are the same file after the same number of execs. That could also be a
// parent and a child that each executed the file since the fork.
func (i *Image) shared(p *Image) bool {
	return i.Reconstructed && i.execID != 0 && i.execID == p.execID &&
		i.File != nil && p.File != nil && i.File.HasStat && p.File.HasStat &&
		i.File.ID == p.File.ID && i.File.Path == p.File.Path
}

// after makes p the one before i.
func (i *Image) after(p *Image) {
	i.prev = p
	if p == nil {
		return
	}
	i.index = p.index + 1
	if i.index%MaxAncestors == 0 {
		i.prev = p.strip()
	}
	i.unsettled = i.open || i.prev.unsettled
}

// strip returns i cut off from what is older than its block of MaxAncestors
// images. The copy of each image is made once and shared, as the images are, so
// that it costs the same whatever the shape of the tree of processes.
func (i *Image) strip() *Image {
	var first, last *Image
	for m := i; ; m = m.prev {
		c, done := m.stripped, true
		if c == nil {
			c = new(*m)
			c.open, c.unsettled, c.prev = false, false, nil
			m.stripped = c
			if done = m.prev == nil || m.index%MaxAncestors == 0; done {
				c.cut = m.behind()
			}
		}
		if last == nil {
			first = c
		} else {
			last.prev = c
		}
		if last = c; done {
			return first
		}
	}
}

// behind counts the images before i, kept or cut.
func (i *Image) behind() uint64 {
	n := i.Cut()
	for o := i.Older(); o != nil; o = o.Older() {
		n++
	}
	return n
}

// settle returns i for others to read: a copy down to the last image that may
// still be filled in, or i itself if there is none.
func (i *Image) settle() *Image {
	if !i.unsettled {
		return i
	}
	var last *Image
	for m := i; m != nil; m = m.prev {
		if m.open {
			last = m
		}
	}
	if last == nil {
		for m := i; m != nil; m = m.prev {
			m.unsettled = false
		}
		return i
	}
	first := new(Image)
	for m, c := i, first; ; m, c = m.prev, c.prev {
		*c = *m
		c.open, c.unsettled, c.stripped = false, false, nil
		if m == last {
			return first
		}
		c.prev = new(Image)
	}
}

// when returns the image that was active at the given time, as far as is known
// of i and those before it when they were activated: i itself if the time is
// zero, nil if it was one that is not kept.
func (i *Image) when(t event.Time) *Image {
	for t != 0 && i != nil && i.Time > t {
		i = i.prev
	}
	return i
}

// reaches reports whether o is i or one before it.
func (i *Image) reaches(o *Image) bool {
	for ; i != nil; i = i.prev {
		if i == o {
			return true
		}
	}
	return false
}
