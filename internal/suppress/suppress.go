// Package suppress decides which execs are not recorded: by the path of the image
// or script, by that of an ancestor, and by signature.
//
// It never goes by anything a process can choose for itself. Arguments and the
// name of a process are not looked at. A path counts only if it is the file's own
// path, from the monitor's own root directory: a process can unshare its mounts,
// or change its root directory, and run any file under any path it likes. Where
// that cannot be shown the exec is recorded.
//
// What is suppressed was acquired and is in the lineage of what comes after it
// like any other exec.
package suppress

import (
	"sync/atomic"

	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

const (
	// These bound what is remembered of paths and files, of which the monitored
	// can make as many as they like.
	maxVerdicts = 4096
	maxPath     = 512 // bytes; what a longer one comes to is not remembered
	maxShown    = 4096
)

// Counts are how many execs were suppressed, by the first kind of rule that did it,
// since the Suppressor was made.
type Counts struct {
	ByPath, ByIdent, ByAncestorPath, ByAncestorIdent uint64
	// Elsewhere are files whose path matches a rule but is not, or could not be
	// shown to be, the path of that file on the machine itself. They suppress
	// nothing. A file counts each time it is looked at.
	Elsewhere uint64
}

// Suppressor applies rules to execs, in the order in which they happen. Use and
// Counts may be called from any goroutine, all else from one.
type Suppressor struct {
	onHost func(*sensor.File) bool
	next   atomic.Pointer[Set]

	set      *Set
	verdicts map[string]verdict
	shown    map[place]struct{}

	byPath, byIdent, byAncestorPath, byAncestorIdent, elsewhere atomic.Uint64
}

// verdict is what the rules say of a path.
type verdict struct{ own, ancestor bool }

// place is a state of a file that was shown to be at this path. It stays true
// of this file when another takes its place: a daemon keeps its rule when its
// program is replaced by a newer one.
type place struct {
	path string
	id   sensor.Identity
}

// New returns a Suppressor without rules. onHost says whether the file with the
// identity of f is at its path from the monitor's own root directory; it must not
// block. Nil means that paths can be taken at their word.
func New(onHost func(f *sensor.File) bool) *Suppressor {
	return &Suppressor{
		onHost: onHost, verdicts: make(map[string]verdict), shown: make(map[place]struct{}),
	}
}

// Use makes set the rules of what is looked at from now on. Nil means none.
func (s *Suppressor) Use(set *Set) {
	s.next.Store(set)
}

// Counts returns the counts.
func (s *Suppressor) Counts() Counts {
	return Counts{
		ByPath: s.byPath.Load(), ByIdent: s.byIdent.Load(),
		ByAncestorPath: s.byAncestorPath.Load(), ByAncestorIdent: s.byAncestorIdent.Load(),
		Elsewhere: s.elsewhere.Load(),
	}
}

// Exec says whether this exec is not to be recorded. It wants to see every exec,
// since it takes note of which could be ancestors that suppress others.
func (s *Suppressor) Exec(e *sensor.Exec, x *lineage.Execution) bool {
	if !s.refresh() {
		return false
	}
	return s.exec(e.Image, script(e.Interpreters), x)
}

// Note takes note of an image that was found running and could be an ancestor that
// suppresses others. Nil is none.
func (s *Suppressor) Note(image *sensor.File) {
	if s.refresh() {
		s.look(image)
	}
}

// Process says whether a process that was found running is not to be recorded.
// Its ancestors are found by lookups, so they suppress nothing.
func (s *Suppressor) Process(p *sensor.Process) bool {
	if !s.refresh() {
		return false
	}
	return s.exec(p.Image, nil, nil)
}

// refresh takes over new rules and says whether there are any.
func (s *Suppressor) refresh() bool {
	if set := s.next.Load(); set != s.set {
		s.set = set
		clear(s.verdicts)
	}
	return s.set != nil && !s.set.empty()
}

func (s *Suppressor) exec(image, script *sensor.File, x *lineage.Execution) bool {
	set := s.set
	own, _ := s.look(image)
	if script != nil {
		ownScript, _ := s.look(script)
		own = own || ownScript
	}
	switch {
	case own:
		s.byPath.Add(1)
	case set.idents.match(image):
		s.byIdent.Add(1)
	case x == nil:
		return false
	default:
		return s.ancestor(x)
	}
	return true
}

// ancestor looks at what the process ran before and what it descends from, back
// to the first image that no event told: that one was looked up, and what lies
// behind it is the parent at that time, who need not be who forked it.
func (s *Suppressor) ancestor(x *lineage.Execution) bool {
	set := s.set
	byPath, byIdent := !set.ancestorPaths.empty(), len(set.ancestorIdents) > 0
	if !byPath && !byIdent {
		return false
	}
	for i := x.Image; i != nil; i = i.Older() {
		if byPath {
			_, match := s.look(i.File)
			if !match {
				_, match = s.look(script(i.Interpreters))
			}
			if match {
				s.byAncestorPath.Add(1)
				return true
			}
		}
		if byIdent && set.ancestorIdents.match(i.File) {
			s.byAncestorIdent.Add(1)
			return true
		}
		if i.Reconstructed {
			return false
		}
	}
	return false
}

// script is the file that was named, nil if that is the image or is not known.
// What stands between the two is chosen by whoever wrote the script.
func script(interpreters []*sensor.File) *sensor.File {
	if len(interpreters) == 0 {
		return nil
	}
	return interpreters[0]
}

// look says what the path rules mean for a file, as itself and as an ancestor.
func (s *Suppressor) look(f *sensor.File) (own, ancestor bool) {
	if f == nil || f.Path == "" || f.Deleted || f.Unreachable || f.Memfd != "" {
		return false, false
	}
	v := s.verdict(f.Path)
	if !v.own && !v.ancestor || !s.isOnHost(f) {
		return false, false
	}
	return v.own, v.ancestor
}

func (s *Suppressor) verdict(path string) verdict {
	set := s.set
	if len(set.paths.globs) == 0 && len(set.ancestorPaths.globs) == 0 {
		return verdict{set.paths.match(path), set.ancestorPaths.match(path)}
	}
	v, ok := s.verdicts[path]
	if !ok {
		v = verdict{set.paths.match(path), set.ancestorPaths.match(path)}
		if len(s.verdicts) >= maxVerdicts {
			clear(s.verdicts)
		}
		if len(path) <= maxPath {
			s.verdicts[path] = v
		}
	}
	return v
}

func (s *Suppressor) isOnHost(f *sensor.File) bool {
	if s.onHost == nil {
		return true
	}
	p := place{f.Path, f.ID}
	if _, ok := s.shown[p]; ok {
		return true
	}
	if !f.HasStat || !s.onHost(f) {
		s.elsewhere.Add(1)
		return false
	}
	if len(s.shown) >= maxShown {
		clear(s.shown)
	}
	s.shown[p] = struct{}{}
	return true
}
