package linux

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// interpreter is one file that an exec went through before its image.
type interpreter struct {
	held   *heldFile // nil if it was not held
	left   *leftFile // nil if it was not among what the kernel was about to close
	nature nature
}

// interpreters puts together the files that an exec went through before its image: those that
// were held before it, in order, and those that were not held because they are known. linkers were held behind it.
func (s *Sensor) interpreters(e *sensor.Exec, r *monitorExecRecord, l left, held, linkers []*heldFile, natures []nature) []interpreter {
	if !e.Interpreted {
		return nil
	}
	var chain []interpreter
	through, told := s.scripts.through(l)
	through = withoutLinker(through, l.kept, held, linkers, natures)
	known := told && !areHeld(through, held)
	switch {
	case known && l.kept:
		// One file is before the image and not among those; it may not have been held either.
	case known:
		chain = s.inOrder(e, r, through, held, natures)
	case len(held) > 0 && couldLink(natures[0]) && !isNamed(held[0], e, through, l):
		// It is the dynamic linker of an image that is known.
	case told || s.scripts.closer == 0 || !slices.ContainsFunc(natures, func(n nature) bool { return n.kind != script }):
		// Nothing of it was known. Or that is not told: but a script that is missing would show in the arguments.
		for i, h := range held {
			chain = append(chain, interpreter{held: h, nature: natures[i]})
		}
		for i := range chain {
			if at := slices.IndexFunc(through, func(f *leftFile) bool { return f.is(&held[i].id) }); at >= 0 {
				chain[i].left = through[at]
				if chain[i].nature.kind == unread { // the file below was not held
					chain[i].nature = s.natureOf(through[at], e, r)
				}
			}
		}
		if !adds(e, r, chain) {
			chain = nil
		}
	}
	if len(chain) > 0 {
		return chain
	}
	// Files that should have been held may not have been. Where the kernel made the call itself, nothing
	// is told of what it went through.
	called := monitorExecFlags(r.Flags)&monitorExecFlagsEXEC_BEFORE != 0
	if len(held) > 0 || called && s.scripts.closer != 0 && (!told || slices.ContainsFunc(through, func(f *leftFile) bool { return s.gate.ignored.has(&f.id) })) {
		s.gate.ignored.suspect()
	}
	return nil
}

// withoutLinker drops the dynamic linker of an exec from the files that it went through. It is opened to be executed as
// they are, behind them. Mostly the memory of the process keeps it open; on a stacked file system it keeps the
// file below, and the one above is closed (mm/util.c, vma_set_file).
func withoutLinker(through []*leftFile, kept bool, held, linkers []*heldFile, natures []nature) []*leftFile {
	if len(through) == 0 || len(through) == 1 && !kept {
		return through // that is the file that was named
	}
	last := through[len(through)-1]
	of := func(h *heldFile) bool { return last.is(&h.id) }
	if slices.ContainsFunc(linkers, of) {
		return through[:len(through)-1]
	}
	if at := slices.IndexFunc(held, of); at >= 0 && natures[at].kind == native {
		return through[:len(through)-1]
	}
	return through
}

// couldLink says whether a file can be a dynamic linker, for what is known of it.
func couldLink(n nature) bool { return n.kind == native || n.kind == unread }

// isNamed says whether a file that was held is surely one that the call went through, and no dynamic linker.
func isNamed(h *heldFile, e *sensor.Exec, through []*leftFile, l left) bool {
	if through == nil && len(l.files) == 1 && !l.kept {
		through = l.files // all there is, though it is not known yet which of them are files
	}
	return slices.ContainsFunc(through, func(f *leftFile) bool { return f.is(&h.id) }) || h.file.Path == absolute(e.Filename, e)
}

// areHeld says whether all files that an exec went through were held.
func areHeld(through []*leftFile, held []*heldFile) bool {
	for _, f := range through {
		at := slices.IndexFunc(held, func(h *heldFile) bool { return f.is(&h.id) })
		if at < 0 {
			return false
		}
		held = held[at+1:]
	}
	return true
}

// inOrder is the chain of these files, those of them that were held included, nil if that cannot be told. On a stacked
// file system the last of them may be the dynamic linker; the arguments tell.
func (s *Sensor) inOrder(e *sensor.Exec, r *monitorExecRecord, through []*leftFile, held []*heldFile, natures []nature) (chain []interpreter) {
	for _, f := range through {
		i := interpreter{left: f}
		if len(held) > 0 && f.is(&held[0].id) {
			i.held, i.nature = held[0], natures[0]
			held, natures = held[1:], natures[1:]
		}
		if i.nature.kind == unread {
			i.nature = s.natureOf(f, e, r)
		}
		chain = append(chain, i)
	}
	if slices.ContainsFunc(natures, func(n nature) bool { return n.kind != native }) {
		return nil // what is left over is no dynamic linker
	}
	// What was not read may have an argument, which would make up for another file.
	unsure := func(chain []interpreter) bool {
		return slices.ContainsFunc(chain, func(i interpreter) bool { return i.nature.kind == unread })
	}
	all, shorter := adds(e, r, chain) && (len(chain) == 1 || !unsure(chain)), false
	last := len(chain) - 1
	if last > 0 && through[last].id.Magic == overlayMagic {
		n, ok := added(r)
		shorter = adds(e, r, chain[:last]) && (!unsure(chain[:last]) || ok && n == last)
	}
	switch {
	case all && !shorter:
		return chain
	case shorter && !all:
		return chain[:last]
	case len(chain) == 1 && s.isAsBefore(e, r, through[0]):
		return chain
	}
	return nil
}

// isAsBefore says whether the arguments of an exec are what the one file that it went through makes of them if its
// first line is the one that was known: it has been changed since, or got another name or mode.
func (s *Sensor) isAsBefore(e *sensor.Exec, r *monitorExecRecord, f *leftFile) bool {
	n, ok := s.scripts.last[keyOf(f.bytes())]
	argc, told := passed(r)
	return ok && told && int(r.Argc) == len(e.Argv) && unwinds([]nature{n}, e.Argv, e.Filename, max(argc, 1))
}

// adds says whether these are all files that have added to the arguments of an exec.
func adds(e *sensor.Exec, r *monitorExecRecord, chain []interpreter) bool {
	natures := make([]nature, len(chain))
	for i := range chain {
		natures[i] = chain[i].nature
	}
	argc, ok := passed(r)
	return ok && whole(natures, e.Argv, e.Filename, int(r.Argc), argc)
}

// added says how many arguments the kernel has added to those that were passed.
func added(r *monitorExecRecord) (n int, ok bool) {
	argc, ok := passed(r)
	return int(r.Argc) - max(argc, 1), ok
}

// interpretedBy adds a file that an exec went through.
func (s *Sensor) interpretedBy(e *sensor.Exec, r *monitorExecRecord, i interpreter) {
	h := i.held
	if h != nil && h.holdsBytes(i.left) {
		e.Interpreters = append(e.Interpreters, h.file)
		if !s.gate.pending.isSecured(h) {
			h.file.Resolve(sensor.Digest{Reason: event.ReasonTimeout})
		}
		s.opts.Acquirer.Activated(h.file, e.Time, !h.alone || h.changed() == "")
		return
	}
	var f *sensor.File
	if h != nil {
		s.opts.Acquirer.Abandoned(h.file)
	}
	if i.left == nil { // the file below it was not held, and what it is cannot be told
		f = h.file
		f.Resolve(sensor.Digest{Reason: event.ReasonNotHeld})
	} else {
		f = s.fileOf(i.left, e, r)
		if h != nil { // by statx(2)
			f.ID.Dev, f.ID.Ino, f.BTime = h.file.ID.Dev, h.file.ID.Ino, h.file.BTime
		}
	}
	e.Interpreters = append(e.Interpreters, f)
	if i.left != nil && s.recall(f, &i.left.id, &i.left.below) {
		return
	}
	if e.Gate.Outcome != event.GateDeadline {
		e.Gate.Outcome = event.GateMissed
	}
	if i.left == nil {
		return
	}
	if s.gate.ignored.has(&i.left.below) { // by its path there, where it is another's to find
		s.gate.ignored.stale("", &i.left.below)
		return
	}
	if !s.gate.ignored.has(&i.left.id) {
		return
	}
	path := "" // which leads nowhere
	if opener, ok := f.Opener.(*pathOpener); ok {
		if fd, err := opener.find(); err == nil {
			defer unix.Close(fd)
			path = fmt.Sprintf("/proc/self/fd/%d", fd)
		}
	}
	s.gate.ignored.stale(path, &i.left.id)
}

// holdsBytes says whether what was held leads to the bytes: on a stacked file system the open of
// the file below has to have been seen as well, and of that file, if it is known which one it is.
func (h *heldFile) holdsBytes(at *leftFile) bool {
	if h.id.Magic != overlayMagic {
		return true
	}
	return h.below.Inode != 0 && (at == nil || at.below.Inode == 0 || at.below.Inode == h.below.Inode)
}

// learn takes in the chain of an exec whose files are acquired by now. Scripts whose digest is known, and that
// the kernel still had at the activation in the same state, need not be held from now on; unless that would leave
// another file of the chain without a place in it.
func (s *Sensor) learn(l left, chain []interpreter) {
	if len(chain) > 0 && chain[0].held != nil {
		s.scripts.meet(l, &chain[0].held.id)
	}
	through, told := s.scripts.through(l)
	if !told || l.kept || len(through) != len(chain) || s.gate.ignored.suspects() {
		return
	}
	for n, i := range chain {
		if i.left != through[n] {
			return
		}
	}
	for _, i := range chain {
		if i.held == nil || i.nature.kind != script || i.left.state() != i.held.bytes || !s.opts.Acquirer.Known(i.held.bytes) {
			continue
		}
		s.know(i.left, i.nature)
		s.gate.ignored.confirm(i.held.bytes)
	}
}

// noticed completes an exec of which nothing was held with the scripts that it went through.
func (s *Sensor) noticed(e *sensor.Exec, r *monitorExecRecord, l left) {
	if !e.Interpreted {
		return
	}
	var told []*notice
	if s.told != nil {
		told = s.told.join(e, r)
	}
	if len(told) > 0 {
		s.scripts.meet(l, &told[0].id)
	}
	through, ok := s.scripts.through(l)
	if !ok || l.kept {
		return
	}
	chain := s.inOrder(e, r, through, nil, nil)
	if chain == nil {
		return
	}
	// This is what they were at the activation, and not what they must have been.
	e.Interpreters = nil
	for n, i := range chain {
		f := s.fileOf(i.left, e, r)
		e.Interpreters = append(e.Interpreters, f)
		if n < len(told) && i.left.is(&told[n].id) {
			seen := told[n].file // by statx(2)
			f.ID.Dev, f.ID.Ino, f.BTime = seen.ID.Dev, seen.ID.Ino, seen.BTime
		}
		s.recall(f, &i.left.id, &i.left.below)
	}
}
