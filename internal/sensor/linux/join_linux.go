package linux

import (
	"fmt"
	"slices"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// activated completes an exec with what the gate held of it: the very files the
// call went through. Without them, the image can still be opened through the
// process that runs it.
func (s *Sensor) activated(e *sensor.Exec, r *monitorExecRecord, l left) {
	opener := &imageOpener{procOpener: procOpener{s: s, key: e.Key, execID: r.ExecId, at: e.Time, id: r.Image}}
	opener.path = byPath(opener.procOpener, e.Image, r)
	e.Image.Opener = opener
	if s.gate == nil {
		// The process may be gone by now: what is known by its state need not be opened.
		s.recall(e.Image, &r.Image, belowOf(r))
		s.noticed(e, r, l)
		return
	}
	files := s.gate.pending.take(r.Tid, r.Attempt)
	natures := s.gate.pending.natures(files)
	image, chain, linkers := split(files, natures, r, e.Interpreted)
	through := s.interpreters(e, r, l, chain, linkers, natures[:len(chain)])
	unused := leftOver(chain, through)
	e.Gate = s.gate.pending.gateRecord(s.opts.Gate, files)
	switch {
	case image == nil && s.recall(e.Image, &r.Image, belowOf(r)):
		e.Gate.Outcome = event.GateKnown
	case image == nil:
		e.Gate.Outcome = event.GateMissed
		s.gate.ignored.stale(fmt.Sprintf("/proc/%d/exe", e.Key.PID), &r.Image)
	case image.id.Magic == overlayMagic && image.below.Inode == 0:
		// The file system below the overlay has no mark, or its file is known.
		e.Gate.Outcome = event.GateMissed
		if s.recall(e.Image, &r.Image, belowOf(r)) {
			e.Gate.Outcome = event.GateKnown
		}
		unused = append(unused, image)
	case !s.gate.pending.isSecured(image):
		// It ran before it was acquired, for all that is known.
		e.Gate.Outcome = event.GateDeadline
		unused = append(unused, image)
	default:
		s.joinImage(e, r, image, opener)
	}
	for _, i := range through {
		s.interpretedBy(e, r, i)
	}
	s.learn(l, through)
	for _, h := range append(unused, linkers...) {
		s.opts.Acquirer.Abandoned(h.file)
	}
	switch {
	case image != nil:
		s.gate.ignored.confirm(image.bytes)
		for _, h := range linkers {
			s.gate.ignored.confirm(h.bytes)
		}
	case e.Gate.Outcome == event.GateKnown && (!e.Interpreted || len(through) > 0):
		// What was held beside is neither the image nor led to it.
		for i, h := range files {
			if natures[i].kind == native && !slices.ContainsFunc(through, func(t interpreter) bool { return t.held == h }) {
				s.gate.ignored.confirm(h.bytes)
			}
		}
	}
}

// leftOver are the files of held that are not in the chain.
func leftOver(held []*heldFile, chain []interpreter) (rest []*heldFile) {
	for _, h := range held {
		if !slices.ContainsFunc(chain, func(i interpreter) bool { return i.held == h }) {
			rest = append(rest, h)
		}
	}
	return rest
}

// recall says whether the digest of a file that was not held is known by what the
// tracepoint saw of it and, unless that is zero, of the file below, and resolves it then.
func (s *Sensor) recall(f *sensor.File, id, below *monitorFileIdentity) bool {
	a := s.opts.Acquirer
	if a == nil {
		return false
	}
	if id.Writers <= 0 && a.Recall(f, state(id)) {
		return true
	}
	return below.Inode != 0 && below.Writers <= 0 && a.Recall(f, state(below))
}

// belowOf is what a record says of the file below, zero if there is none.
func belowOf(r *monitorExecRecord) *monitorFileIdentity {
	if monitorExecFlags(r.Flags)&monitorExecFlagsEXEC_BELOW != 0 {
		return &r.Below
	}
	return &monitorFileIdentity{}
}

// joinImage replaces the image as the tracepoint described it by the file that
// was held, which is the same inode, with the state of the activation.
func (s *Sensor) joinImage(e *sensor.Exec, r *monitorExecRecord, h *heldFile, opener sensor.Opener) {
	now, f := e.Image, h.file
	held, then := &h.id, &r.Image
	if h.id.Inode != r.Image.Inode { // the file below was held, and not the one that was named
		then = &r.Below
		f.ID.Dev, f.ID.Ino = now.ID.Dev, now.ID.Ino
	}
	unchanged := state(held) == state(then)
	proven := unchanged
	if h.alone {
		proven = r.Below.Writers <= 0 && state(&h.below) == state(&r.Below)
	}
	// The path is the one at the activation; times and numbers from statx(2)
	// stand unless the kernel's own have moved since.
	f.Path, f.PathReason, f.Deleted, f.Unreachable = now.Path, now.PathReason, now.Deleted, now.Unreachable
	f.Mode, f.UID, f.GID = now.Mode, now.UID, now.GID
	if !unchanged {
		f.ID.Size, f.ID.MTime, f.ID.CTime = then.Size, event.Time(then.Mtime), event.Time(then.Ctime)
	}
	f.Opener = opener
	e.Image = f
	s.opts.Acquirer.Activated(f, e.Time, proven)
}

// split tells what the files of one call were: the image, the files that led
// to it, and the rest, which is its dynamic linker. The address of an inode is
// its identity here, since the acquirer has kept the file open or its state is compared.
func split(files []*heldFile, natures []nature, r *monitorExecRecord, interpreted bool) (img *heldFile, chain, rest []*heldFile) {
	for i, h := range files {
		if h.id.Inode != r.Image.Inode || !sameFile(&h.id, &r.Image) {
			continue
		}
		// What was taken for the file below has to be it.
		if h.below.Inode != 0 && h.below.Inode != r.Below.Inode {
			return nil, files[:i], files[i:]
		}
		return h, files[:i], files[i+1:]
	}
	if monitorExecFlags(r.Flags)&monitorExecFlagsEXEC_BELOW != 0 {
		for i, h := range files {
			if h.id.Inode == r.Below.Inode && sameFile(&h.id, &r.Below) {
				return h, files[:i], files[i+1:]
			}
		}
	}
	if !interpreted {
		return nil, nil, files
	}
	// The image was not held. Its dynamic linker may have been, which is ELF; an
	// ELF file that only a binfmt_misc entry runs is named, and so comes first.
	for i := range files {
		switch {
		case i == 0:
		case natures[i].kind == native:
			return nil, files[:i], files[i:]
		case natures[i].kind == unread:
			return nil, nil, files
		}
	}
	return nil, files, nil
}
