package lineage

import (
	"slices"
	"testing"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// script feeds a table with observations. Processes are named by their pid,
// which serves as their start as well; time passes by one with each observation.
type script struct {
	t    *testing.T
	tab  *Table
	now  event.Time
	ids  map[uint32]uint64 // number of execs by pid
	refs uint64
}

func play(t *testing.T) *script {
	return &script{t: t, tab: New(), ids: make(map[uint32]uint64)}
}

func key(pid uint32) sensor.Key { return sensor.Key{PID: pid, Start: uint64(pid)} }

func (s *script) file(path string) *sensor.File {
	s.refs++
	f := &sensor.File{Ref: s.refs, Path: path, HasStat: true}
	for _, c := range path {
		f.ID.Ino = f.ID.Ino*31 + uint64(c)
	}
	return f
}

func (s *script) tick() event.Time { s.now++; return s.now }

func (s *script) fork(parent, child uint32) {
	s.ids[child] = s.ids[parent]
	s.tab.Fork(&sensor.Fork{Time: s.tick(), Parent: key(parent), Child: key(child), ExecID: s.ids[child]})
}

// lostFork is a fork that only the kernel knows of.
func (s *script) lostFork(parent, child uint32) { s.ids[child] = s.ids[parent]; s.tick() }

func (s *script) exec(pid, parent uint32, path string, interpreters ...string) Execution {
	s.ids[pid]++
	e := &sensor.Exec{Time: s.tick(), Key: key(pid), ExecID: s.ids[pid], Image: s.file(path)}
	if parent != 0 {
		e.Parent = key(parent)
	}
	for _, p := range interpreters {
		e.Interpreted = true
		e.Interpreters = append(e.Interpreters, s.file(p))
	}
	return s.tab.Exec(e)
}

func (s *script) lostExec(pid uint32) { s.ids[pid]++; s.tick() }

func (s *script) exit(pid uint32) { s.tab.Exit(&sensor.Exit{Time: s.tick(), Key: key(pid)}) }

func (s *script) found(pid, parent uint32, path string) *sensor.Process {
	p := &sensor.Process{Time: s.tick(), Key: key(pid), ExecID: s.ids[pid], Start: event.Time(pid)}
	if parent != 0 {
		p.Parent = key(parent)
	}
	if path != "" {
		p.Image = s.file(path)
	}
	s.tab.Process(p)
	return p
}

// String forms of a history, newest first: paths, "?" and the reason for what
// is unknown, "~" in front of what is reconstructed.
func history(x Execution) []string {
	var out []string
	for i := x.Image; i != nil; i = i.Older() {
		s := "?" + string(i.Reason)
		if i.File != nil {
			s = i.File.Path
		}
		if i.Reconstructed {
			s = "~" + s
		}
		if len(i.Interpreters) > 0 {
			s += " " + i.Interpreters[0].Path
		}
		out = append(out, s)
	}
	return out
}

func (s *script) want(x Execution, reconstructed bool, want ...string) {
	s.t.Helper()
	if got := history(x); !slices.Equal(got, want) {
		s.t.Errorf("history %q, want %q", got, want)
	}
	if x.Reconstructed != reconstructed {
		s.t.Errorf("reconstructed is %v, want %v", x.Reconstructed, reconstructed)
	}
}

// begin is a machine whose init was found running and has started a shell.
func begin(t *testing.T) *script {
	s := play(t)
	s.ids[1] = 1
	s.found(1, 0, "init")
	s.fork(1, 10)
	s.exec(10, 1, "sh")
	return s
}
